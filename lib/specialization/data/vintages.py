"""The vintages of the data: synthetic, public, ipums."""

import os

from ..errors import DataError
from ..store import IPUMS
from . import county_book, earnings, public, states, synthetic
from .schema import VINTAGES

PUBLIC = {"groups": (county_book.panel, "family"),
          "groups, from 1969": (county_book.panel, "personal"),
          "states, sic": (states.panel, "sic"), "states, naics": (states.panel, "naics"),
          "earnings, sic": (earnings.panel, "sic"), "earnings, naics": (earnings.panel, "naics")}
"""Panels of the public vintage beside those of `public`, by classification: ten groups of
employment in 1960, with incomes of families in 1959 or BEA's of 1969 as the first; value added of
states; earnings, where BEA's files are at hand."""


def load(vintage, classification="industries"):
    """Panel of a vintage; only the public one has another classification, "sectors"."""
    if vintage not in VINTAGES:
        raise DataError(f"unknown vintage {vintage!r}; valid: {', '.join(VINTAGES)}")
    if vintage == "public":
        make, which = PUBLIC.get(classification, (public.panel, classification))
        return make(which)
    if classification != "industries":
        raise DataError(f"{vintage}: no classification {classification!r}; valid: 'industries'")
    if vintage == "synthetic":
        return synthetic.panel()
    from . import ipums  # slow to import, and seldom there

    return ipums.panel()


def available():
    """Names of the vintages whose data are here; SPECIALIZATION_OFFLINE=1 hides the public one."""
    offline = os.environ.get("SPECIALIZATION_OFFLINE") == "1"
    here = {"synthetic": True, "public": not offline and public.available(),
            "ipums": any(IPUMS.glob("*.xml"))}
    return [name for name in VINTAGES if here[name]]
