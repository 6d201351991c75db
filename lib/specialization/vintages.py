"""The vintages of the data: synthetic, public, ipums."""

import os

from . import DATA, DataError, public, synthetic
from .schema import VINTAGES


def check(vintage):
    """Raise `DataError` for an unknown vintage."""
    if vintage not in VINTAGES:
        raise DataError(f"unknown vintage {vintage!r}; valid: {', '.join(VINTAGES)}")


def load(vintage, classification="industries"):
    """Panel of a vintage; only the public one has another classification, "sectors"."""
    check(vintage)
    if vintage == "public":
        return public.panel(classification)
    if classification != "industries":
        raise DataError(f"{vintage}: no classification {classification!r}; valid: 'industries'")
    if vintage == "synthetic":
        return synthetic.panel()
    from . import ipums  # slow to import, and seldom there

    return ipums.panel(zones=public.panel().zones)


def available():
    """Names of the vintages whose data are here; SPECIALIZATION_OFFLINE=1 hides the public one."""
    if os.environ.get("SPECIALIZATION_OFFLINE") == "1" or not public.available():
        return ["synthetic"]
    # an extract needs the zones of the public vintage
    extract = any((DATA / "ipums").glob("*.xml"))
    return ["synthetic", "public", *(["ipums"] if extract else [])]


def choose(wanted="all"):
    """Vintages a chapter shows: those named, between commas, or "all" with data or results."""
    if wanted == "all":
        return [name for name in VINTAGES if name in available() or name == "public"]
    names = [name.strip() for name in wanted.split(",")]
    for name in names:
        check(name)
        if name == "ipums" and name not in available():
            raise DataError("vintage 'ipums': no extract in data/ipums; see the data statement")
    return names


def describe(names):
    """What captions say of the vintages shown; where results are stored, from which data."""
    from . import results  # which needs this module

    words, stale = dict(VINTAGES), results.check()      # an error in CI
    if "public" not in available():
        earlier = " by an earlier version of the code" if stale else ""
        words["public"] = (f"public data (real, results stored from data "
                           f"{results.stored_data()}{earlier})")
    return "Vintages: " + "; ".join(words[name] for name in names) + "."
