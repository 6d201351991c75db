"""Three empirical facts: the trade-off, its dynamics, its persistence."""

from .describe import gini_moments
from .dynamics import cross_validate, local_linear, mobility, transition_matrix
from .inference import akm, conley, wild_cluster
from .persistence import fit_decay, two_way
from .tradeoff import columns_table, regress, shift_share, specialize

__all__ = [
    "gini_moments", "specialize", "shift_share", "regress", "columns_table",
    "conley", "akm", "wild_cluster", "local_linear", "cross_validate", "transition_matrix",
    "mobility", "two_way", "fit_decay",
]
