"""Tables that describe a panel: moments of the Gini, its switches, zones, largest industries.

Each function takes a panel and returns a flat table, so that it can be stored and read again.
"""

import numpy as np
import pandas as pd

from .measures import dispersion, gini, measure_table, national_shares, shares

SHOWN = {12501: "Dayton, OH", 18000: "Rochester and Buffalo, NY", 11600: "Detroit, MI",
         16300: "Pittsburgh, PA", 37500: "San Jose, CA", 37901: "Las Vegas, NV"}
"""Zones shown by name: the two of the slides, and four known for one industry. Rochester in New
York shares a zone with Buffalo, which names it in the source."""


def gini_moments(panel, common=False):
    """Mean, CV and p90/p10 over zones of the Gini, by variable and year (Table 1).

    Also the numbers of zones and industries, and the share of cells in which one is absent.

    With `common`, only over industries that some zone has in every year: a code that is retired
    adds a zero to every zone and raises the Gini for no economic reason.
    """
    rows = []
    for v, cube in panel.cubes.items():
        kept = (cube.sum(axis=1) > 0).all(axis=0) | (not common)
        rows += [{"variable": v, "year": t, **dispersion(gini(y[:, kept])), "zones": len(y),
                  "industries": int(kept.sum()), "absent": (y[:, kept] == 0).mean()}
                 for t, y in zip(panel.years, cube, strict=True)]
    return pd.DataFrame(rows)


def gini_switches(panel, variable):
    """The same moments under both values of `zeros` and of `reference`, by year.

    Also the correlation of each version with log population and with the baseline version
    (zeros counted, equal reference).
    """
    rows = []
    for t in panel.years:
        y, size = panel.cube(variable, t), np.log(panel.control("population", t))
        baseline = gini(y)
        for zeros in (True, False):
            for name, w in (("equal", None), ("national", national_shares(y))):
                g = gini(y, zeros=zeros, reference=w)
                rows.append({"year": t, "zeros": "counted" if zeros else "left out",
                             "reference": name, **dispersion(g),
                             "log_population": np.corrcoef(g, size)[0, 1],
                             "baseline": np.corrcoef(g, baseline)[0, 1]})
    return pd.DataFrame(rows)


def zone_measures(panel, variable):
    """All measures by zone and year, with the zone's name, place and population."""
    table = measure_table(panel, variable).reset_index()
    place = panel.zones[["name", "state", "rustbelt", "lat", "lon"]]
    controls = panel.controls[["income_per_head", "population"]].reset_index()
    return table.merge(place, left_on="zone", right_index=True).merge(
        controls, on=["zone", "year"], how="left").sort_values(["year", "zone"],
                                                               ignore_index=True)


def zone_table(panel):
    """The zones themselves, one row each."""
    return panel.zones.reset_index()


def largest_industries(panel, variable, n=3):
    """The n largest industries of the zones of `SHOWN`, in the first and last year."""
    rows = []
    for zone, name in SHOWN.items():
        if zone not in panel.zones.index:
            continue
        for t in panel.years[[0, -1]]:
            s = shares(panel.cube(variable, t)[panel.position(zone)])
            for k, i in enumerate(np.argsort(-s)[:n]):
                rows.append({"zone": name, "year": t, "place": k + 1,
                             "industry": panel.industries["label"].iloc[i], "share": s[i]})
    return pd.DataFrame(rows)


def notes(panel):
    """What the construction of a panel changed, and how often."""
    def words(v):
        if isinstance(v, dict) and all(isinstance(x, list) for x in v.values()):
            return f"{len(v)}: {', '.join(v)}"
        if isinstance(v, dict):
            return "; ".join(f"{k}: {words(x)}" for k, x in v.items())
        return str(len(v)) if isinstance(v, list) else f"{v:.6g}"

    return pd.DataFrame([{"what": k, "count": words(v)} for k, v in panel.notes.items()])
