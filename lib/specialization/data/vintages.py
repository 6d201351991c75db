"""The vintages of the data: synthetic, public, ipums."""

import os

from ..errors import DataError
from ..store import IPUMS
from . import public, synthetic
from .schema import VINTAGES


def load(vintage, classification="industries"):
    """Panel of a vintage; only the public one has another classification, "sectors"."""
    if vintage not in VINTAGES:
        raise DataError(f"unknown vintage {vintage!r}; valid: {', '.join(VINTAGES)}")
    if vintage == "public":
        return public.panel(classification)
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
