"""Regional industrial specialization in the United States since 1950.

data -> measures -> facts; parameters -> equilibrium -> simulation;
parameters -> planner -> welfare.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder."""

DATA = ROOT / "data"
"""Small committed tables: manifest, published numbers, stored results."""

CACHE = Path(os.environ.get("SPECIALIZATION_CACHE", DATA / "cache"))
"""Downloads and processed panels: not under version control, safe to delete."""


class DataError(ValueError):
    """Input that cannot be used: says which file, column, value and valid range."""
