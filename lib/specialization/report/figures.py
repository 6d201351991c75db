"""Figures of the book, in one style: colour-blind safe, legible at 400 px, on a white ground."""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from myst_nb import glue
from scipy.stats import gaussian_kde

from ..data import boundaries, topcode
from ..data.schema import ZONES

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Palette of Okabe and Ito (2008), told apart under the common colour-vision deficiencies."""
SEQUENTIAL = "cividis"
WIDTH = 5.6

STYLE = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "savefig.bbox": "tight",
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2,
    "axes.prop_cycle": cycler(color=COLOURS),
    "svg.hashsalt": "specialization",
}
OUTCOMES = {"log_income": "level", "growth": "growth"}


def figure(rows=1, columns=1, height=3.4, **options):
    """Figure and axes in the style of the book; `height` in inches is that of a row."""
    mpl.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(WIDTH, height * rows), **options)


def show(name, fig):
    """Keep a figure under a name for the `glue:figure` that carries its caption and alt text."""
    glue(name, fig)
    plt.close(fig)


def legend_below(fig, entries):
    """One legend for all axes, by label."""
    fig.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=2)
    return fig


def tail_figure(earnings):
    """Share of persons above an income: truth, as reported, and by the fitted Pareto tail."""
    fig, ax = figure()
    weight, truth = earnings["weight"].to_numpy(), earnings["earnings"]
    x = np.geomspace(truth.min(), truth.max(), 400)
    for column, width, label in (("earnings", 2, "true"), ("reported", 5, "reported")):
        value = earnings[column].to_numpy()
        above = np.array([weight[value >= v].sum() for v in x]) / weight.sum()
        # a topcoded file has nobody above the code: the line drops
        ax.loglog(x, above.clip(1e-9), lw=width, label=label, alpha=1 if width == 2 else 0.6)
    a, _ = topcode.pareto_tail(earnings["reported"], earnings["topcoded"], weight)
    seen = ~earnings["topcoded"].to_numpy()
    u = topcode.weighted_quantile(earnings["reported"].to_numpy()[seen], 0.9, weight[seen])
    share = weight[(earnings["reported"] > u).to_numpy()].sum() / weight.sum()
    x = x[x >= u]
    ax.loglog(x, share * (x / u) ** -a, ":", label="fitted tail", color=COLOURS[2])
    ax.set(
        xlabel="earnings, dollars of 1950",
        ylabel="share of persons above",
        xlim=(u / 3, None),
        ylim=(1e-5, 1),
    )
    ax.legend()
    return fig


def density_figure(tables):
    """Densities over zones of the Gini, dark to light by year; a row for each vintage."""
    fig, axes = figure(len(tables), height=2.6, sharex=True, squeeze=False)
    for ax, (label, table) in zip(axes[:, 0], tables.items(), strict=True):
        x = np.linspace(*table["gini"].quantile([0.001, 0.999]) + [-0.02, 0.02], 200)
        by_year = table.groupby("year")["gini"]
        colours = plt.get_cmap(SEQUENTIAL)(np.linspace(0, 0.85, by_year.ngroups))
        for (year, values), colour in zip(by_year, colours, strict=True):
            ax.plot(x, gaussian_kde(values)(x), color=colour, label=str(year))
        ax.set(title=label, ylabel="density")
        ax.legend(ncols=2 if by_year.ngroups > 4 else 1)
    axes[-1, 0].set_xlabel("Gini over industries")
    return fig


def size_figure(tables):
    """Gini against log population with absent industries counted and left out, by vintage."""
    words = {"gini": "absent counted", "gini_present": "absent left out"}
    parts = [
        t[t["year"] == t["year"].min()].assign(
            Gini=lambda d, c=c: d[c], panel=f"{label}\n{word}", series=""
        )
        for label, t in tables.items()
        for c, word in words.items()
    ]
    return series_figure(pd.concat(parts), "population", "Gini", ("population", "Gini"), "x", 2)


def sorted_figure(tables, what, points=None):
    """Effects in order of size with 95% intervals: level and growth, a row for each vintage.

    Where a table has `bh`, or else `p`, effects with such a p-value below 5% are in colour, or,
    where there are many, have a stroke at the foot.
    `points` has by (label, outcome) an effect to be marked, and by ("published", outcome) the
    published one."""
    fig, axes = figure(len(tables), 2, height=2.6, squeeze=False, sharey="col")
    for row, (label, table) in zip(axes, tables.items(), strict=True):
        for ax, (outcome, word) in zip(row, OUTCOMES.items(), strict=True):
            t = table[table["outcome"] == outcome].sort_values("effect", ignore_index=True)
            _sorted_effects(ax, t)
            if points:
                ax.axhline(
                    points["published", outcome],
                    color="black",
                    ls="--",
                    lw=1.5,
                    label="published",
                )
            if points and (label, outcome) in points:
                here = points[label, outcome]
                ax.plot(
                    np.searchsorted(t["effect"], here),
                    here,
                    "D",
                    color=COLOURS[1],
                    ms=7,
                    mec="black",
                    label="its design here",
                )
            ax.set(title=f"{label}\n{word}", xlabel=f"{len(t):,} {what}", xticks=[])
        row[0].set_ylabel("effect of one sd")
    for ax, outcome in zip(axes[0], OUTCOMES, strict=True):  # some intervals are far wider
        every = pd.concat([t.loc[t["outcome"] == outcome, "effect"] for t in tables.values()])
        ax.set_ylim(1.2 * every.min(), 1.2 * every.max())
    entries = dict(zip(*axes[0, 0].get_legend_handles_labels()[::-1], strict=True))
    return legend_below(fig, entries)


def _sorted_effects(ax, t):
    effect, half = t["effect"], 1.96 * t["se"]
    ax.fill_between(t.index, effect - half, effect + half, color="0.85", lw=0)
    ax.axhline(0, color="0.4", lw=1)
    test = next((name for name in ("bh", "p") if name in t), None)
    ax.plot(effect, color="0.5" if test else COLOURS[0])
    if not test:
        return
    found = effect[t[test] < 0.05]
    if len(t) <= 300:
        ax.plot(found, "o", ms=3, color=COLOURS[0], label="significant")
        return
    # dots would cover those between them: strokes at the foot, as dark as there are many
    foot = ax.get_xaxis_transform()
    ax.vlines(found.index, 0, 0.1, COLOURS[0], lw=0.5, alpha=0.2, transform=foot)
    ax.plot([], [], color=COLOURS[0], lw=6, alpha=0.5, label="significant")


GROWTH = {"total, column (1)": ("(1)", "total"), "tradable, column (2)": ("(2)", "tradable")}
LEVEL = {"total, column (3)": ("(3)", "total"), "tradable, column (4)": ("(4)", "tradable")}
"""Panels of `forest_figure`: column and row of print by title."""


def forest_figure(table, panels=GROWTH):
    """Effects of one standard deviation with 95% intervals, by base.

    `table` has source, base, end (of a level the base), column, row, effect, effect_low,
    effect_high, published_effect: total and tradable specialization, each with a line at the
    published effect. The widest intervals run out of the figure, no estimate does."""
    level = panels is LEVEL
    t = table.assign(
        label=[
            f"{s}, {b}" if level else f"{s}, {b}-{e}"
            for s, b, e in table[["source", "base", "end"]].itertuples(index=False)
        ]
    )
    t = t.sort_values(["base", "source", "end"])
    parts = {
        title: t[(t["column"] == column) & (t["row"] == row)]
        for title, (column, row) in panels.items()
    }
    labels = parts[next(iter(parts))]["label"]
    fig, axes = figure(1, 2, height=0.26 * len(labels) + 1, sharey=True)
    every = pd.concat(parts)
    limit = max(
        2 * (every["effect_high"] - every["effect_low"]).median(),
        1.1 * every["effect"].abs().max(),
    )
    for ax, (title, part) in zip(axes, parts.items(), strict=True):
        for k, (_, r) in enumerate(part.iterrows()):
            colour = COLOURS[0] if r["effect_low"] * r["effect_high"] > 0 else "0.5"
            ax.plot([r["effect_low"], r["effect_high"]], [-k, -k], color=colour, lw=1.5)
            ax.plot(r["effect"], -k, "o", ms=5, color=colour)
        ax.axvline(0, color="0.4", lw=1)
        ax.axvline(part["published_effect"].iloc[0], color=COLOURS[1], ls="--", lw=1.5)
        ax.set(title=title, xlim=(-limit, limit))
    axes[0].set_yticks(-np.arange(len(labels)), labels)
    words = "on log income per head" if level else "on growth per decade"
    fig.supxlabel(f"effect of one sd {words}", fontsize=11)
    return fig


def readings_figure(table, printed):
    """Shares in percent with 95% simulation intervals, a line for each reading, against print.

    `table` has reading, outcome, share, error (NaN: none) and t of the effect that is divided by
    (NaN: not a slope); hollow where t is below 2. What lies outside -60 to 130 stands at the edge.
    """
    names = list(dict.fromkeys(table["reading"]))[::-1]
    fig, ax = figure(1, 1, height=0.3 * len(names) + 1.2)
    for outcome, colour, marker in zip(["output", "consumption"], COLOURS, "oD", strict=False):
        for r in table[table["outcome"] == outcome].itertuples():
            shaky, x = r.t < 2, np.clip(r.share, -58, 128)
            ax.errorbar(
                x,
                names.index(r.reading),
                xerr=1.96 * np.nan_to_num(r.error) if x == r.share else None,
                fmt=marker,
                color=colour,
                mfc="none" if shaky else colour,
                ms=6,
                lw=1.5,
                alpha=0.6 if shaky else 1.0,
            )
        ax.plot([], [], marker, color=colour, label=outcome)
    ax.axvline(0, color="0.5", lw=1)
    ax.axvline(printed, color="0.4", ls="--", lw=1.2)
    ax.set(xlim=(-60, 130), ylim=(-0.7, len(names) - 0.3))
    ax.set_xlabel("share that the price adds, percent")
    ax.set_yticks(range(len(names)), names)
    ax.legend(loc="upper center", bbox_to_anchor=(0.3, -0.12), ncols=2)
    return fig


def svg(fig):
    """A figure as the bytes of an SVG file, its text as text."""
    content = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        fig.savefig(content, format="svg", metadata={"Date": None})
    plt.close(fig)
    return content.getvalue()


def choice_figure(curve, choices, published):
    """Effects on growth by choice: median, and range of the middle 80% of specifications."""
    t = curve[curve["outcome"] == "growth"]
    rows = [(c, v) for c in choices for v in t[c].unique() if t[c].nunique() > 1]
    fig, ax = figure(height=0.23 * len(rows) + 1)
    for k, (c, v) in enumerate(rows):
        low, middle, high = t.loc[t[c] == v, "effect"].quantile([0.1, 0.5, 0.9])
        ax.plot(
            [low, middle, high],
            [-k] * 3,
            "o-",
            lw=1.5,
            ms=5,
            markevery=[1],
            color=COLOURS[list(choices).index(c) % 7],
        )
    ax.axvline(0, color="0.4", lw=1)
    ax.axvline(published, color=COLOURS[1], ls="--", lw=1.5)
    ax.set_yticks(-np.arange(len(rows)), [f"{choices[c]}: {v}" for c, v in rows])
    ax.set_xlabel("effect of one sd on growth per decade")
    return fig


def curves_figure(panels, x, y, columns=2, height=2.6):
    """Curves with their bands, one panel for each entry of `panels`; y is shared by row.

    `panels` has by title and by label of the curve a table: x, level and, if there are bands, low,
    high, and low_uniform, high_uniform. Labels are in the first panel. `x`, `y` name the axes."""
    fig, axes = figure(
        -(-len(panels) // columns),
        columns,
        height,
        squeeze=False,
        sharey="row",
        sharex=columns > 1,
    )
    for ax, (title, tables) in zip(axes.flat, panels.items(), strict=False):
        for (label, t), colour, dash in zip(
            tables.items(), COLOURS, ("-", "--", "-.", ":"), strict=False
        ):
            ax.plot(t["x"], t["level"], dash, color=colour, label=label)
            for side, alpha in (("_uniform", 0.15), ("", 0.25)):
                if "low" + side not in t:
                    continue
                ax.fill_between(
                    t["x"], t["low" + side], t["high" + side], color=colour, alpha=alpha, lw=0
                )
        ax.set_title(title)
        if t["x"].dtype.kind == "i":  # years
            ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=6, integer=True))
    plt.setp(axes[-1], xlabel=x)
    plt.setp(axes[:, 0], ylabel=y)
    lines = {line.get_label(): line for line in axes[0, 0].get_lines()}
    return legend_below(fig, lines) if len(lines) > 1 else fig


def slopes_figure(table):
    """Slopes with 95% intervals by source, a panel for each model.

    `table` has source, model, series (at most two, told apart by colour and marker), slope, low
    and high; models and sources are in the order of the table."""
    models, sources = table["model"].unique(), table["source"].unique()
    fig, axes = figure(len(models), height=0.34 * len(sources) + 0.55, sharex=True, squeeze=False)
    entries = {}
    for ax, model in zip(axes[:, 0], models, strict=True):
        for k, series in enumerate(table["series"].unique()):
            part = table[(table["model"] == model) & (table["series"] == series)]
            at = -np.array([list(sources).index(s) for s in part["source"]]) + 0.15 - 0.3 * k
            half = np.abs(part[["low", "high"]].T - part["slope"]).to_numpy()
            entries[series] = ax.errorbar(
                part["slope"], at, xerr=half, color=COLOURS[k], marker="os"[k], ls="none"
            )
        ax.axvline(0, color="0.4", lw=1)
        ax.set_yticks(-np.arange(len(sources)), sources)
        ax.set(title=model, ylim=(0.6 - len(sources), 0.6))
    axes[-1, 0].set_xlabel("slope of the Gini")
    return legend_below(fig, entries)


def transitions_figure(panels):
    """Transition matrices as shaded cells with percentages; `panels` has by title a matrix."""
    columns = 2
    fig, axes = figure(-(-len(panels) // columns), columns, height=2.7, squeeze=False)
    for ax, (title, P) in zip(axes.flat, panels.items(), strict=False):
        ax.imshow(P, cmap="Blues", vmin=0, vmax=1)
        for (row, column), share in np.ndenumerate(np.asarray(P)):
            colour = "white" if share > 0.55 else "black"
            ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour)
        ticks = range(len(P)), range(1, len(P) + 1)
        ax.set_xticks(*ticks)
        ax.set_yticks(*ticks)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_title(title)
    plt.setp(axes[-1], xlabel="fifth in the last year")
    plt.setp(axes[:, 0], ylabel="fifth in the first year")
    return fig


def advantages_figure(table, named=4):
    """Revealed comparative advantage of one place at two dates, on log scales.

    `table` has industry, tradable, before and now, for industries that the place has at both
    dates, and first and last, the years. The industries with the highest advantages are named."""
    fig, ax = figure(height=4.4)
    for tradable, colour in ((False, "0.65"), (True, COLOURS[0])):
        part = table[table["tradable"] == tradable]
        label = "tradable" if tradable else "non-tradable"
        ax.loglog(part["before"], part["now"], "o", ms=4, color=colour, label=label, zorder=2)
    ends = [table[["before", "now"]].min(axis=None), table[["before", "now"]].max(axis=None)]
    ax.plot(ends, ends, ":", color="0.4", lw=1.5, zorder=1)
    top = table.loc[table[["before", "now"]].max(axis=1).nlargest(named).index]
    for k, (_, r) in enumerate(top.sort_values("now", ascending=False).iterrows()):
        ax.annotate(
            r["industry"],
            (r["before"], r["now"]),
            (0.99, 0.32 - 0.08 * k),
            textcoords="axes fraction",
            ha="right",
            fontsize=10,
            arrowprops={"arrowstyle": "-", "color": "0.6", "lw": 0.8, "relpos": (1, 0.5)},
        )
    for draw in (ax.axvline, ax.axhline):
        draw(1, color="0.8", lw=1, zorder=0)
    if len(table):
        ax.set(xlabel=f"advantage in {table['first'].iloc[0]}")
        ax.set(ylabel=f"advantage in {table['last'].iloc[0]}")
        ax.legend(loc="upper left")
    return fig


def lines(table):
    """Curves for `curves_figure` without bands: one for each column of a table, x its index.

    Examples
    --------
    >>> table = pd.DataFrame({"output": [1.0, 2.0], "price": [3.0, None]}, index=[0.1, 0.9])
    >>> curve = lines(table)["price"]
    >>> curve["x"].tolist(), curve["level"].tolist()
    ([0.1], [3.0])
    """
    return {
        name: pd.DataFrame({"x": y.index, "level": y.to_numpy()})
        for name, y in table.items()
        for y in [y.dropna()]
    }


def arrows_figure(panels):
    """Arrows of places from the first year to the last in income and specialization, by panel.

    `panels` has by title a table of two years: place, year, x (log relative income), gini."""
    fig, axes = figure(len(panels), height=3.2, squeeze=False, sharex=True)
    means = {"Rustbelt": "black", "other zones": "0.55"}
    places = pd.concat(panels)["place"].unique()
    colours = means | dict(zip([p for p in places if p not in means], COLOURS, strict=False))
    for ax, (title, table) in zip(axes[:, 0], panels.items(), strict=True):
        for place, t in table.groupby("place", sort=False):
            start, end = t[["x", "gini"]].to_numpy()
            ax.annotate(
                "",
                end,
                start,
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": colours[place],
                    "lw": 3 if place in means else 1.8,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
            )
            ax.plot(t["x"], t["gini"], "o", ms=5, color=colours[place], markevery=[0])
        ax.axhline(0, color="0.8", lw=1, zorder=0)
        ax.margins(0.08)
        ax.set(title=title, ylabel="Gini less its mean")
    axes[-1, 0].set_xlabel("log income per head less its mean")
    return legend_below(fig, {p: mpl.lines.Line2D([], [], color=colours[p], lw=3) for p in places})


def series_figure(table, x, y, labels, log="", columns=1):
    """Points of a tidy table by `series`, in one set of axes for each `panel`.

    `table` has panel, series, the columns `x` and `y`, and may have se, drawn as bars of 1.96,
    fit, drawn as a line, and printed, drawn dashed. `labels` are those of the axes; `log` names
    those on a log scale. A table without rows makes empty axes."""
    panels, series = table["panel"].unique(), table["series"].unique()
    fig, axes = figure(
        -(-len(panels) // columns) or 1,
        columns,
        height=2.7,
        squeeze=False,
        sharex="col" if columns == 1 else False,
    )
    entries = {}
    for ax, name in zip(axes.flat, panels, strict=len(panels) > 0):
        for k, label in enumerate(series):
            part = table[(table["panel"] == name) & (table["series"] == label)].sort_values(x)
            if part.empty:
                continue
            few, printed = len(part) <= 20, label.startswith("published")
            entries[label] = ax.errorbar(
                part[x],
                part[y],
                1.96 * part["se"] if "se" in part and few else None,
                color=COLOURS[k],
                ls="none",
                marker="os^Dv*"[k] if few else ".",
                ms=11 if printed else 6 if few else 4,
                mfc="none" if printed else None,
            )
            if "fit" in part:
                ax.plot(part[x], part["fit"], color=COLOURS[k], lw=1.5)
            if "printed" in part:
                ax.plot(part[x], part["printed"], "--", color=COLOURS[1], lw=1.5)
        ax.set(title=name, **{f"{a}scale": "log" for a in log})
        if "x" not in log and table[x].dtype.kind == "i":  # years, classes
            ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(nbins=8, integer=True))
    plt.setp(axes[-1], xlabel=labels[0])
    plt.setp(axes[:, 0], ylabel=labels[1])
    return legend_below(fig, entries) if len(series) > 1 else fig


def matrix_figure(table, label):
    """A table of numbers as coloured cells around zero, each with its number."""
    fig, ax = figure(height=0.5 * len(table) + 1)
    limit = table.abs().to_numpy().max()
    image = ax.imshow(table, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        text = f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0"
        ax.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            color="white" if abs(value) > 0.6 * limit else "black",
        )
    ax.set_xticks(range(table.shape[1]), table.columns)
    ax.set_yticks(range(len(table)), table.index)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    fig.colorbar(image, ax=ax, label=label)
    return fig


def map_figure(table, labels, height=2.9):
    """Maps of measures by zone, one below the other, in five classes of as many zones each.

    `table` has zone, lat, lon and the measures; `labels` has by measure what its scale is called.
    Zones of the real vintages are polygons with the borders of the states; made-up ones, which
    have no borders, are dots."""
    fig, axes = figure(len(labels), height=height + 0.6, squeeze=False)
    real = table["zone"].isin(ZONES.index).all()
    shapes = boundaries.shapes().to_crs(5070) if real else None
    for ax, (column, label) in zip(axes[:, 0], labels.items(), strict=True):
        edges = np.quantile(table[column], np.linspace(0, 1, 6))
        style = {
            "cmap": mpl.colormaps[SEQUENTIAL].resampled(5),
            "norm": mpl.colors.BoundaryNorm(edges, 5),
        }
        if real:
            shapes.join(table.set_index("zone")[column]).plot(column, ax=ax, lw=0, **style)
            boundaries.states().to_crs(5070).boundary.plot(ax=ax, color="white", lw=0.6)
        else:
            x = table["lon"] * np.cos(np.deg2rad(38))
            ax.scatter(x, table["lat"], c=table[column], s=14, **style)
        ax.set_aspect("equal")
        ax.set_axis_off()
        drawn = ax.collections[0]
        options = {"orientation": "horizontal", "shrink": 0.8, "pad": 0.02}
        fig.colorbar(drawn, ax=ax, label=label, format="%.2f", ticks=edges, **options)
    return fig


def lorenz_figure(table):
    """Lorenz curves of one zone, one for each `reference`; the area between one and the diagonal
    is half the Gini. `table` has reference, x, y."""
    fig, ax = figure(height=3.8)
    ax.plot([0, 1], [0, 1], color="0.4", lw=1)
    curves = table.groupby("reference", sort=False)
    for (name, t), colour, dash in zip(curves, COLOURS, ("-", "--"), strict=False):
        ax.plot(t["x"], t["y"], dash, color=colour, label=f"against {name} shares")
        ax.fill_between(t["x"], t["y"], t["x"], color=colour, alpha=0.12, lw=0)
    ax.set(xlabel="cumulated share of the reference", ylabel="cumulated share of the zone")
    ax.set_aspect("equal")
    if len(table):
        ax.legend(loc="upper left")
    return fig


def trend_figure(panels):
    """Mean over zones of the Gini by year, a panel for each variable, all of one scale.

    `panels` has by title, and by label of the series, a table with year and mean; published ones
    are points, as they stand for other industries than those beside them."""
    fig, axes = figure(len(panels), height=2.3, squeeze=False, sharex=True)
    means = [pd.concat([t["mean"] for t in series.values()]) for series in panels.values()]
    half = 0.6 * max(x.max() - x.min() for x in means)
    for ax, (title, series), x in zip(axes[:, 0], panels.items(), means, strict=True):
        middle = (x.max() + x.min()) / 2
        for k, (label, t) in enumerate(series.items()):
            few = len(t) <= 10
            style = {"ls": ":" if few else "-", "marker": "os^D"[k] if few else None, "ms": 5}
            if label.startswith("published"):
                style |= {"ls": "none", "ms": 9, "mfc": "none"}
            ax.plot(t["year"], t["mean"], color=COLOURS[k], label=label, **style)
        ax.set(title=title, ylabel="mean Gini", ylim=(middle - half, middle + half))
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes[-1, 0].set_xlabel("year")
    return fig
