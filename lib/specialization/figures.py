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
