"""Three empirical facts: the trade-off, its dynamics, its persistence.

The regression of Fact 3, `persistence.persistence`, is called `rank_persistence` here.
"""

from .describe import gini_moments, zone_measures
from .dynamics import (
    bands,
    cluster_draws,
    cross_validate,
    local_linear,
    mobility,
    transition_matrix,
)
from .inference import akm, conley, placebo, two_stage, wild_cluster
from .persistence import fit_decay, log_rank, simex, split_sample, two_way
from .persistence import persistence as rank_persistence
from .tradeoff import (
    binned_scatter,
    by_industry,
    coefficients,
    columns_table,
    design,
    horizons_table,
    regress,
    shift_share,
    specialize,
    specification_curve,
)

__all__ = [
    "gini_moments",
    "zone_measures",
    "specialize",
    "shift_share",
    "design",
    "regress",
    "coefficients",
    "columns_table",
    "horizons_table",
    "by_industry",
    "binned_scatter",
    "specification_curve",
    "conley",
    "akm",
    "wild_cluster",
    "placebo",
    "two_stage",
    "local_linear",
    "cluster_draws",
    "bands",
    "cross_validate",
    "transition_matrix",
    "mobility",
    "log_rank",
    "rank_persistence",
    "two_way",
    "fit_decay",
    "split_sample",
    "simex",
]
