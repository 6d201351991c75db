"""What chapters show: results by vintage, tables, numbers of the prose; figures in `figures`."""

from .results import Shown, choose
from .tables import (
    Table,
    pick,
    published,
    published_columns,
    published_gini_moments,
    published_horizons,
    rows,
    wide,
)

__all__ = [
    "Shown",
    "choose",
    "published",
    "published_columns",
    "published_horizons",
    "published_gini_moments",
    "Table",
    "rows",
    "pick",
    "wide",
]
