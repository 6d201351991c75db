"""The vintages of the data: synthetic, public, ipums."""

import os

from . import DATA, DataError, public, synthetic

VINTAGES = ("synthetic", "public", "ipums")
"""Made-up data that check the estimators; public data; the reader's own IPUMS extract."""


def load(vintage, classification="industries"):
    """Panel of a vintage.

    Parameters
    ----------
    vintage : {"synthetic", "public", "ipums"}
    classification : {"industries", "sectors"}
        The public vintage has two: three-digit industries, and 20 sectors by year.
    """
    check(vintage)
    if classification != "industries" and vintage != "public":
        raise DataError(f"{vintage}: no classification {classification!r}; valid: 'industries'")
    if vintage == "synthetic":
        return synthetic.panel()
    if vintage == "public":
        return public.panel(classification)
    from . import ipums  # slow to import, and seldom there

    return ipums.panel(zones=public.panel().zones)


def check(vintage):
    """Raise `DataError` for an unknown vintage."""
    if vintage not in VINTAGES:
        raise DataError(f"unknown vintage {vintage!r}; valid: {', '.join(VINTAGES)}")


def available():
    """Names of the vintages whose data are here; SPECIALIZATION_OFFLINE=1 hides the public one."""
    offline = os.environ.get("SPECIALIZATION_OFFLINE") == "1"
    if offline or not public.available():
        return ["synthetic"]
    # an extract needs the zones of the public vintage
    extract = any((DATA / "ipums").glob("*.xml"))
    return ["synthetic", "public", *(["ipums"] if extract else [])]


def choose(wanted="all"):
    """Vintages a chapter shows: those named, or all whose data or stored results are here.

    Parameters
    ----------
    wanted : str
        "all", or names separated by commas.
    """
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

    stored = f"results stored from data {results.stored_data()}"
    if results.check():
        stored += " by an earlier version of the code"
    words = {
        "synthetic": "synthetic data (simulated, not evidence)",
        "public": "public data (real)" if "public" in available()
        else f"public data (real, {stored})",
        "ipums": "IPUMS extract (real)",
    }
    return "Vintages: " + "; ".join(words[name] for name in names) + "."
