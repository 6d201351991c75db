"""Figures of the book, in one style: colour-blind safe, legible at 400 px, on a white ground."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from myst_nb import glue
from scipy.stats import gaussian_kde

from . import topcode

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Palette of Okabe and Ito (2008), told apart under the common colour-vision deficiencies."""
SEQUENTIAL = "cividis"
WIDTH = 5.6

STYLE = {
    "figure.dpi": 150, "savefig.dpi": 150, "savefig.bbox": "tight",
    "figure.facecolor": "white", "figure.constrained_layout.use": True,
    "font.size": 11, "axes.labelsize": 11, "axes.titlesize": 11, "axes.titlelocation": "left",
    "xtick.labelsize": 10, "ytick.labelsize": 10, "legend.fontsize": 10, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 2,
    "axes.prop_cycle": mpl.cycler(color=COLOURS), "svg.hashsalt": "specialization",
}


def figure(rows=1, columns=1, height=3.4, **options):
    """Figure and axes in the style of the book; `height` in inches is that of a row."""
    mpl.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **options)


def show(name, fig):
    """Keep a figure under a name for the `glue:figure` that carries its caption and alt text."""
    glue(name, fig)
    plt.close(fig)


def year_colours(years):
    """One colour of a sequential palette per year, dark to light."""
    return dict(zip(years, plt.get_cmap(SEQUENTIAL)(np.linspace(0, 0.85, len(years))),
                    strict=True))


def tail_figure(earnings):
    """Share of persons above an income: truth, as reported, and by the fitted Pareto tail."""
    fig, ax = figure()
    weight = earnings["weight"].to_numpy()
    for column, width, label in (("earnings", 2, "true"), ("reported", 5, "reported")):
        x, above = _survival(earnings[column].to_numpy(), weight)
        # a topcoded file has nobody above the code: the line drops
        ax.loglog(np.append(x, x[-1]), np.append(above, 1e-9), lw=width, label=label,
                  alpha=1 if width == 2 else 0.6)
    a, _ = topcode.pareto_tail(earnings["reported"], earnings["topcoded"], weight)
    seen = ~earnings["topcoded"].to_numpy()
    u = topcode.weighted_quantile(earnings["reported"].to_numpy()[seen], 0.9, weight[seen])
    share = weight[(earnings["reported"] > u).to_numpy()].sum() / weight.sum()
    x = np.geomspace(u, earnings["earnings"].max(), 50)
    ax.loglog(x, share * (x / u) ** -a, ":", label="fitted tail", color=COLOURS[2])
    ax.set(xlabel="earnings, dollars of 1950", ylabel="share of persons above",
           xlim=(u / 3, None), ylim=(1e-5, 1))
    ax.legend()
    return fig


def _survival(x, weight):
    """Distinct incomes, at most 400 of them, and the share of persons at or above each."""
    order = np.argsort(x)
    x, above = x[order], weight[order][::-1].cumsum()[::-1] / weight.sum()
    first = np.flatnonzero(np.diff(x, prepend=-np.inf))
    keep = first[np.unique(np.geomspace(1, first.size, 400).astype(int)) - 1]
    keep = np.union1d(keep, first[-400:])
    return x[keep], above[keep]


def density_figure(tables, column="gini"):
    """Densities over zones of a measure, by year; one row for each vintage of `tables`."""
    fig, axes = figure(len(tables), height=2.6, sharex=True, squeeze=False)
    for ax, (label, table) in zip(axes[:, 0], tables.items(), strict=True):
        years = sorted(table["year"].unique())
        low, high = table[column].quantile([0.001, 0.999])
        x = np.linspace(low - 0.02, high + 0.02, 200)
        for year, colour in year_colours(years).items():
            ax.plot(x, gaussian_kde(table.loc[table["year"] == year, column])(x), color=colour,
                    label=str(year))
        ax.set(title=label, ylabel="density")
        ax.legend(ncols=2 if len(years) > 4 else 1)
    axes[-1, 0].set_xlabel("Gini over industries")
    return fig


def size_figure(tables):
    """Gini against log population with absent industries counted and left out, by vintage."""
    fig, axes = figure(len(tables), 2, height=2.5, squeeze=False, sharex="row")
    for row, (label, table) in zip(axes, tables.items(), strict=True):
        first = table[table["year"] == table["year"].min()]
        for ax, column, words in zip(row, ("gini", "gini_present"),
                                     ("absent counted", "absent left out"), strict=True):
            ax.scatter(first["population"], first[column], s=4, alpha=0.5)
            ax.set(xscale="log", title=f"{label}\n{words}", ylim=(0, 1))
        row[0].set_ylabel("Gini")
    for ax in axes[-1]:
        ax.set_xlabel("population")
    return fig


def trend_figure(moments):
    """Mean over zones of the Gini by year; one line for each entry of `moments`."""
    fig, ax = figure()
    for (label, table), marker in zip(moments.items(), "os^Dv", strict=False):
        printed = label.startswith("published")
        ax.plot(table["year"], table["mean"], label=label, zorder=3 if printed else 2,
                marker=marker if len(table) < 10 else None, ls="none" if printed else "-",
                mfc="none" if printed else None, ms=11 if printed else 6)
    ax.set(xlabel="year", ylabel="mean Gini over zones")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1)
    return fig


def map_figure(table, column="gini", label="Gini", shapes=None):
    """Map of a measure by zone, in five classes of as many zones each.

    Parameters
    ----------
    table : DataFrame
        One row per zone: zone, lat, lon and the measure.
    shapes : GeoDataFrame, optional
        Polygons by zone; dots at the centroids where None.
    """
    fig, ax = figure(height=3.9)
    edges = np.quantile(table[column], np.linspace(0, 1, 6))
    colours = mpl.colormaps[SEQUENTIAL].resampled(5)
    norm = mpl.colors.BoundaryNorm(edges, 5)
    if shapes is None:
        width = np.cos(np.deg2rad(38))
        drawn = ax.scatter(table["lon"] * width, table["lat"], c=table[column], cmap=colours,
                           norm=norm, s=14)
    else:
        joined = shapes.to_crs(5070).join(table.set_index("zone")[column])
        joined.plot(column, ax=ax, cmap=colours, norm=norm, edgecolor="white", linewidth=0.15)
        drawn = ax.collections[0]
    ax.set_aspect("equal")
    ax.set_axis_off()
    fig.colorbar(drawn, ax=ax, orientation="horizontal", shrink=0.8, pad=0.02, label=label,
                 format="%.2f", ticks=edges)
    return fig


OUTCOMES = {"log_income": "level", "growth": "growth"}


def binned_figure(bins):
    """Binned scatters with 95% intervals and regression line: level and growth, by vintage."""
    fig, axes = figure(len(bins), 2, height=2.6, squeeze=False, sharex="row")
    for row, (label, table) in zip(axes, bins.items(), strict=True):
        for ax, (outcome, word) in zip(row, OUTCOMES.items(), strict=True):
            t = table[table["outcome"] == outcome]
            ax.errorbar(t["x"], t["y"], 1.96 * t["se"], fmt="o", ms=4, lw=1)
            ax.plot(t["x"], t["level"] + t["slope"] * t["x"], color=COLOURS[1])
            years = (f"{t['base'].iloc[0]}" if word == "level"
                     else f"{t['base'].iloc[0]} to {t['end'].iloc[0]}")
            ax.set(title=f"{label}\n{word}, {years}", xlabel="Gini over industries")
        row[0].set_ylabel("log income per head")
    return fig


def coefficient_figure(series, xlabel, ylabel):
    """Estimates with 95% intervals against a number (a horizon, a year), side by side.

    `series` has by label a table with columns x, estimate and se (None: no interval).
    """
    fig, ax = figure()
    ax.axhline(0, color="0.6", lw=1)
    width = 0.25 * min(np.diff(np.unique(np.concatenate([t["x"] for t in series.values()]))))
    for k, (label, t) in enumerate(series.items()):
        at = t["x"] + width * (k - (len(series) - 1) / 2)
        ax.errorbar(at, t["estimate"], 1.96 * t["se"], fmt="osD^v"[k % 5], ms=5, lw=1.2,
                    label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1)
    return fig


def industry_figure(tables):
    """Effects by industry in order of size with 95% intervals: level and growth, by vintage.

    Industries whose adjusted p-value (Benjamini and Hochberg) is below 5% are in colour.
    """
    fig, axes = figure(len(tables), 2, height=2.4, squeeze=False)
    for row, (label, table) in zip(axes, tables.items(), strict=True):
        for ax, (outcome, word) in zip(row, OUTCOMES.items(), strict=True):
            t = table[table["outcome"] == outcome].sort_values("effect", ignore_index=True)
            ax.axhline(0, color="0.6", lw=1)
            for found, colour in ((t["bh"] >= 0.05, "0.75"), (t["bh"] < 0.05, COLOURS[0])):
                ax.errorbar(t.index[found], t["effect"][found], 1.96 * t["se"][found], fmt="o",
                            ms=2, lw=0.6, color=colour)
            ax.set(title=f"{label}\n{word}", xticks=[])
        row[0].set_ylabel("effect of one sd")
    for ax in axes[-1]:
        ax.set_xlabel("industries, by effect")
    return fig


def curve_figure(curves, points):
    """Specification curves in order of size with 95% intervals: level and growth, by vintage.

    `points` has by (vintage, outcome) the effect of the specification nearest to the published
    one, and by ("published", outcome) the published effect.
    """
    fig, axes = figure(len(curves), 2, height=2.7, squeeze=False, sharey="col")
    for row, (label, curve) in zip(axes, curves.items(), strict=True):
        for ax, (outcome, word) in zip(row, OUTCOMES.items(), strict=True):
            t = curve[curve["outcome"] == outcome].sort_values("effect", ignore_index=True)
            ax.fill_between(t.index, t["effect"] - 1.96 * t["se"], t["effect"] + 1.96 * t["se"],
                            color="0.85", lw=0)
            ax.axhline(0, color="0.4", lw=1)
            ax.axhline(points["published", outcome], color=COLOURS[1], ls="--", lw=1.5,
                       label="published")
            ax.plot(t.index, t["effect"], color=COLOURS[0])
            here = points[label, outcome]
            ax.plot(np.searchsorted(t["effect"], here), here, "D", color=COLOURS[1], ms=7,
                    mec="black", label="its design here")
            ax.set(title=f"{label}\n{word}", xlabel=f"{len(t):,} specifications", xticks=[])
        row[0].set_ylabel("effect of one sd")
    for ax, outcome in zip(axes[0], OUTCOMES, strict=True):
        every = np.concatenate([c.loc[c["outcome"] == outcome, "effect"]
                                for c in curves.values()])
        ax.set_ylim(1.2 * every.min(), 1.2 * every.max())     # some intervals are far wider
    axes[0, 0].legend(loc="upper left")
    return fig


def choice_figure(curve, choices, published):
    """Effects on growth by choice: median, and range of the middle 80% of specifications."""
    t = curve[curve["outcome"] == "growth"]
    rows = [(c, v) for c in choices for v in dict.fromkeys(t[c]) if t[c].nunique() > 1]
    fig, ax = figure(height=0.23 * len(rows) + 1)
    for k, (c, v) in enumerate(rows):
        low, middle, high = t.loc[t[c] == v, "effect"].quantile([0.1, 0.5, 0.9])
        colour = COLOURS[list(choices).index(c) % 7]
        ax.plot([low, high], [-k, -k], color=colour, lw=1.5)
        ax.plot(middle, -k, "o", color=colour, ms=5)
    ax.axvline(0, color="0.4", lw=1)
    ax.axvline(published, color=COLOURS[1], ls="--", lw=1.5)
    ax.set_yticks(-np.arange(len(rows)), [f"{choices[c]}: {v}" for c, v in rows])
    ax.set_xlabel("effect of one sd on growth per decade")
    return fig


def distance_figure(errors):
    """Conley standard errors by cutoff over HC1, one line per column; dotted: state clusters.

    `errors` has by vintage a table of `tradeoff.inference_table` of one window.
    """
    fig, axes = figure(1, len(errors), height=3.2, squeeze=False, sharey=True)
    for ax, (label, table) in zip(axes[0], errors.items(), strict=True):
        columns = table[table["row"] != "shift_share_all"].groupby("column")
        for (column, t), colour in zip(columns, COLOURS, strict=False):
            hc1, state = (t.loc[t["method"] == m, "se"].item() for m in ("HC1", "state clusters"))
            conley = t[t["method"] == "Conley"]
            ax.plot(conley["km"], conley["se"] / hc1, "o-", ms=4, color=colour, label=column)
            ax.axhline(state / hc1, color=colour, ls=":", lw=1.2)
        ax.set(title=label, xlabel="cutoff, km")
    axes[0, 0].set_ylabel("standard error over HC1")
    axes[0, 0].legend(ncols=2)
    return fig


def curves_figure(panels, x, y, columns=2, height=2.6):
    """Curves with their bands, one panel for each entry of `panels`; y is shared by row.

    Parameters
    ----------
    panels : dict of dict of DataFrame
        By panel title and by label of the curve: x, level and, if there are bands, low, high,
        low_uniform and high_uniform. Labels are in the first panel.
    x, y : str
        Labels of the axes.
    """
    rows = -(-len(panels) // columns)
    fig, axes = figure(rows, columns, height, squeeze=False, sharey="row", sharex=columns > 1)
    for ax, (title, tables) in zip(axes.flat, panels.items(), strict=False):
        for (label, t), colour, dash in zip(tables.items(), COLOURS, ("-", "--", "-.", ":"),
                                            strict=False):
            ax.plot(t["x"], t["level"], dash, color=colour, label=label)
            if "low" in t:
                for side, alpha in (("_uniform", 0.15), ("", 0.25)):
                    ax.fill_between(t["x"], t["low" + side], t["high" + side], color=colour,
                                    alpha=alpha, lw=0)
        ax.set_title(title)
        if t["x"].dtype.kind == "i":    # years
            ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=6, integer=True))
    if len(next(iter(panels.values()))) > 1:
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for ax in axes[-1]:
        ax.set_xlabel(x)
    for ax in axes[:, 0]:
        ax.set_ylabel(y)
    return fig


def arrows_figure(panels, y="gini"):
    """Arrows of places from the first year to the last in income and specialization, by panel.

    Parameters
    ----------
    panels : dict of DataFrame
        place, year, x (log relative income) and `y`; two years.
    """
    fig, axes = figure(len(panels), height=3.2, squeeze=False, sharex=True)
    marks = {}
    for ax, table in zip(axes[:, 0], panels.values(), strict=True):
        for place, t in table.groupby("place", sort=False):
            group = place in ("Rustbelt", "other zones")
            known = [name for name in marks if name not in ("Rustbelt", "other zones")]
            colour = ("black" if place == "Rustbelt" else "0.55" if group
                      else marks.get(place) or COLOURS[len(known) % len(COLOURS)])
            marks[place] = colour
            (x0, x1), (y0, y1) = t["x"], t[y]
            ax.annotate("", (x1, y1), (x0, y0), arrowprops={
                "arrowstyle": "-|>", "color": colour, "lw": 3 if group else 1.8,
                "shrinkA": 0, "shrinkB": 0})
            ax.plot(t["x"], t[y], ls="", marker="o", ms=0.1, color=colour)  # sets the limits
            ax.plot(x0, y0, "o", ms=5, color=colour)
        ax.axhline(0, color="0.8", lw=1, zorder=0)
        ax.margins(0.08)
    for ax, title in zip(axes[:, 0], panels, strict=True):
        ax.set(title=title, ylabel="Gini less its mean")
    axes[-1, 0].set_xlabel("log income per head less its mean")
    handles = [mpl.lines.Line2D([], [], color=c, lw=3, label=name) for name, c in marks.items()]
    fig.legend(handles=handles, loc="outside lower center", ncols=2)
    return fig


def series_figure(table, x, y, labels, log=""):
    """Points of a tidy table by `series`, in one set of axes for each `panel`.

    Parameters
    ----------
    table : DataFrame
        panel, series, `x`, `y`; optional: se, drawn as bars of 1.96, and fit, drawn as a line.
    labels : (str, str)
        Of the two axes.
    log : {"", "x", "y", "xy"}
        Axes on a log scale.
    """
    panels, series = table["panel"].unique(), table["series"].unique()
    fig, axes = figure(len(panels), height=2.7, squeeze=False, sharex=True)
    entries = {}
    for ax, name in zip(axes[:, 0], panels, strict=True):
        for k, label in enumerate(series):
            part = table[(table["panel"] == name) & (table["series"] == label)].sort_values(x)
            if part.empty:
                continue
            few, printed = len(part) <= 12, label == "published"
            entries[label] = ax.errorbar(
                part[x], part[y], 1.96 * part["se"] if "se" in part and few else None,
                color=COLOURS[k], ls="none", marker="os^Dv*"[k] if few else ".",
                ms=11 if printed else 6 if few else 4, mfc="none" if printed else None)
            if "fit" in part:
                ax.plot(part[x], part["fit"], color=COLOURS[k], lw=1.5)
        ax.set(title=name, ylabel=labels[1], **{f"{a}scale": "log" for a in log})
    axes[-1, 0].set_xlabel(labels[0])
    if len(series) > 1:
        fig.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=2)
    return fig
