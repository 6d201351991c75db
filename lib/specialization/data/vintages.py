"""The vintages of the data: synthetic, public, ipums."""

import os

from ..errors import DataError
from ..store import IPUMS
from . import ipums, public, synthetic
from .download import codebooks
from .schema import VINTAGES, Panel


def load(vintage: str, classification: str = "industries") -> Panel:
    """Panel of a vintage.

    Parameters
    ----------
    vintage : str
        One of `VINTAGES`.
    classification : str
        Of industries; only the public vintage has another one, "sectors".

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
    if vintage not in VINTAGES:
        raise DataError(f"unknown vintage {vintage!r}; valid: {', '.join(VINTAGES)}")
    if vintage == "public":
        return public.panel(classification)
    if classification != "industries":
        raise DataError(f"{vintage}: no classification {classification!r}; valid: 'industries'")
    if vintage == "synthetic":
        return synthetic.panel()
    return ipums.panel()


def available() -> list[str]:
    """Names of the vintages whose data are here; SPECIALIZATION_OFFLINE=1 hides the public one.

    Examples
    --------
    >>> "synthetic" in available()
    True
    """
    offline = os.environ.get("SPECIALIZATION_OFFLINE") == "1"
    here = {"synthetic": True, "public": not offline and public.available(),
            "ipums": bool(codebooks(IPUMS))}
    return [name for name in VINTAGES if here[name]]
