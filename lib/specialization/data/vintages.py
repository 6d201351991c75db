"""The vintages of the data: synthetic, public, ipums."""

import os

from ..errors import DataError
from ..store import IPUMS
from . import county_book, earnings, ipums, public, states, synthetic
from .download import codebooks
from .schema import VINTAGES, Panel

PUBLIC = {
    "groups": (county_book.panel, "family"),
    "groups, from 1969": (county_book.panel, "personal"),
    "states, sic": (states.panel, "sic"),
    "states, naics": (states.panel, "naics"),
    "earnings, sic": (earnings.panel, "sic"),
    "earnings, naics": (earnings.panel, "naics"),
}
"""Panels of the public vintage beside those of `public`, by classification: ten groups of
employment in 1960, with incomes of families in 1959 or BEA's of 1969 as the first; value added of
states; earnings, where BEA's files are at hand."""


def load(vintage: str, classification: str = "industries") -> Panel:
    """Panel of a vintage.

    Parameters
    ----------
    vintage : str
        One of `VINTAGES`.
    classification : str
        Of industries; the public vintage has others: "sectors", and those of `PUBLIC`.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        An unknown vintage or classification; data that are not here or cannot be used.

    Examples
    --------
    >>> panel = load("synthetic")
    >>> panel.cube("income").shape
    (7, 722, 150)
    """
    if vintage not in [*VINTAGES]:
        raise DataError(f"unknown vintage {vintage!r}; valid: {', '.join(VINTAGES)}")
    if vintage == "public":
        make, which = PUBLIC.get(classification, (public.panel, classification))
        return make(which)
    if classification != "industries":
        raise DataError(f"{vintage}: no classification {classification!r}; valid: 'industries'")
    if vintage == "synthetic":
        return synthetic.panel()
    return ipums.panel()


def available() -> list[str]:
    """Names of the vintages whose data are here; SPECIALIZATION_OFFLINE=1 hides the public one.

    Returns
    -------
    list of str

    Examples
    --------
    >>> "synthetic" in available()
    True
    """
    offline = os.environ.get("SPECIALIZATION_OFFLINE") == "1"
    here = {
        "synthetic": True,
        "public": not offline and public.available(),
        "ipums": bool(codebooks(IPUMS)),
    }
    return [name for name in VINTAGES if here[name]]


def at_hand(classification: str) -> bool:
    """Whether the files of one of `PUBLIC` can be had without a network; others need no more than
    their vintage.

    Examples
    --------
    >>> at_hand("industries")
    True
    """
    make, which = PUBLIC.get(classification, (None, ""))
    if make is earnings.panel:
        return earnings.available(which) and public.available()
    return make is None or public.available()
