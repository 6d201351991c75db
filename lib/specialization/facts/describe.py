"""Tables that describe a panel; flat, so that they can be stored and read again."""

import numpy as np
import pandas as pd

from .. import measures
from ..data.schema import Panel
from ..measures import dispersion, gini, group_gini, lasting, national_shares, shares

SHOWN = {
    12501: "Dayton, OH",
    18000: "Rochester and Buffalo, NY",
    11600: "Detroit, MI",
    16300: "Pittsburgh, PA",
    37500: "San Jose, CA",
    37901: "Las Vegas, NV",
}
"""Zones shown by name: the two of the slides, and four known for one industry. Rochester in New
York shares a zone with Buffalo, which names it in the source."""


def gini_moments(panel: Panel, common: bool = False) -> pd.DataFrame:
    """Mean, CV and p90/p10 over zones of the Gini (Table 1), by variable and year.

    Parameters
    ----------
    panel : Panel
    common : bool
        Whether over the `lasting` industries only.

    Returns
    -------
    DataFrame
        variable, year, mean, cv, p90_p10, zones, industries, absent (share of cells).

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> float(gini_moments(synthetic.panel())["mean"].iloc[0].round(3))
    0.458
    """
    rows = []
    for v, cube in panel.cubes.items():
        kept = lasting(cube) | (not common)
        rows += [
            {
                "variable": v,
                "year": t,
                **dispersion(gini(y[:, kept])),
                "zones": len(y),
                "industries": int(kept.sum()),
                "absent": (y[:, kept] == 0).mean(),
            }
            for t, y in zip(panel.years, cube, strict=True)
        ]
    return pd.DataFrame(rows)


def gini_switches(panel: Panel, variable: str) -> pd.DataFrame:
    """The same moments under both values of `zeros` and of `reference`, by year.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares: a cube of the panel.

    Returns
    -------
    DataFrame
        year, zeros, reference, the moments, and correlations over zones with log_population and
        with the baseline (zeros counted, equal reference).

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> found = gini_switches(synthetic.panel(), "income")
    >>> found.groupby(["zeros", "reference"]).size().to_list()
    [7, 7, 7, 7]
    """
    rows = []
    for t in panel.years:
        y, size = panel.cube(variable, t), np.log(panel.control("population", t))
        for zeros in (True, False):
            for name, w in (("equal", None), ("national", national_shares(y))):
                g = gini(y, zeros=zeros, reference=w)
                rows.append(
                    {
                        "year": t,
                        "zeros": "counted" if zeros else "left out",
                        "reference": name,
                        **dispersion(g),
                        "log_population": np.corrcoef(g, size)[0, 1],
                        "baseline": np.corrcoef(g, gini(y))[0, 1],
                    }
                )
    return pd.DataFrame(rows)


def zone_measures(panel: Panel, variable: str) -> pd.DataFrame:
    """All measures by year and zone, with the zone's name, place, income and population.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares: a cube of the panel.

    Returns
    -------
    DataFrame
        year, zone; the Gini with zeros counted and equal reference, of industries that are
        present, against national shares, and among tradables and non-tradables; hhi, max_share,
        theil, krugman; tradable_share; columns of the panel's zones and controls.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> zone_measures(synthetic.panel(), "income").groupby("year").size().iloc[0].item()
    722
    """
    y, tradable = panel.cube(variable), panel.industries["tradable"].to_numpy()
    index = pd.MultiIndex.from_product([panel.years, panel.zones.index], names=["year", "zone"])
    table = pd.DataFrame(
        {
            name: values.ravel()
            for name, values in {
                "gini": gini(y),
                "gini_present": gini(y, zeros=False),
                "gini_national": gini(y, reference=national_shares(y)[:, None, :]),
                "gini_tradable": group_gini(y, tradable),
                "gini_nontradable": group_gini(y, ~tradable),
                **{
                    f.__name__: f(y)
                    for f in (measures.hhi, measures.max_share, measures.theil, measures.krugman)
                },
                "tradable_share": shares(y)[..., tradable].sum(axis=-1),
            }.items()
        },
        index=index,
    )
    table = table.join(panel.zones[["name", "state", "rustbelt", "lat", "lon"]])
    return table.join(panel.controls[["income_per_head", "population"]]).reset_index()


def largest_industries(panel: Panel, variable: str, n: int = 3) -> pd.DataFrame:
    """The n largest industries of the zones of `SHOWN`, in the first and last year.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares: a cube of the panel.
    n : int

    Returns
    -------
    DataFrame
        zone, year, place, industry, share; no rows where the panel has none of these zones.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> list(largest_industries(synthetic.panel(), "income"))
    ['zone', 'year', 'place', 'industry', 'share']
    """
    rows = []
    for zone in (z for z in SHOWN if z in panel.zones.index):
        for t in panel.years[[0, -1]]:
            s = shares(panel.cube(variable, t)[panel.zones.index.get_loc(zone)])
            rows += [
                (SHOWN[zone], t, k + 1, panel.industries["label"].iloc[i], s[i])
                for k, i in enumerate(np.argsort(-s)[:n])
            ]
    return pd.DataFrame(rows, columns=["zone", "year", "place", "industry", "share"])


def zone_incomes(panel: Panel) -> pd.DataFrame:
    """Income per head of each zone in the first year with incomes, and its growth to the last.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    DataFrame
        zone, lat, lon, start, end (years); relative, income per head in the first year over the
        median of the zones; growth, the change of its log a year, in percent.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> zone_incomes(synthetic.panel())[["start", "end"]].iloc[0].to_list()
    [1950, 2020]
    """
    income = panel.controls["income_per_head"].dropna().unstack("year").loc[panel.zones.index]
    start, end = income.columns.min(), income.columns.max()
    return (
        panel.zones[["lat", "lon"]]
        .assign(
            start=start,
            end=end,
            relative=income[start] / income[start].median(),
            growth=100 * np.log(income[end] / income[start]) / (end - start),
        )
        .rename_axis("zone")
        .reset_index()
    )


def lorenz(panel: Panel, variable: str, zone: int) -> pd.DataFrame:
    """Lorenz curves of one zone in the first year, against equal and against national shares.

    Industries are sorted by their share over that of the reference; the Gini is twice the area
    between a curve and the diagonal.

    Parameters
    ----------
    panel : Panel
    variable : str
        Whose shares: a cube of the panel.
    zone : int

    Returns
    -------
    DataFrame
        reference, year, x (cumulated shares of the reference), y (of the zone), with the point
        (0, 0); no rows where the panel lacks the zone.

    Examples
    --------
    >>> from specialization.data import synthetic
    >>> curves = lorenz(synthetic.panel(), "income", 1).groupby("reference")
    >>> area = curves.apply(lambda t: np.trapezoid(t["y"], t["x"]))
    >>> bool(np.isclose(1 - 2 * area["equal"], gini(synthetic.panel().cube("income", 1950)[0])))
    True
    """
    year, parts = panel.years[0], []
    for name in ("equal", "national") if zone in panel.zones.index else ():
        y = panel.cube(variable, year)
        s, w = shares(y[panel.zones.index.get_loc(zone)]), national_shares(y)
        w = w if name == "national" else np.full_like(s, 1 / len(s))
        order = np.argsort(np.divide(s, w, out=np.zeros_like(s), where=w > 0))
        x, y = (np.concatenate([[0], np.cumsum(v[order])]) for v in (w, s))
        parts.append(pd.DataFrame({"reference": name, "year": year, "x": x, "y": y}))
    return pd.concat(parts) if parts else pd.DataFrame(columns=["reference", "year", "x", "y"])
