"""What chapters show: results by vintage, tables, figures."""

from .results import Shown, choose
from .tables import Table, published

__all__ = ["Shown", "choose", "Table", "published"]
