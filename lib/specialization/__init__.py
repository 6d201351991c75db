"""Regional industrial specialization in the United States since 1950.

data -> measures -> facts; parameters -> equilibrium -> simulation;
parameters -> planner -> welfare.

The names here are those of a first use; each room (`data`, `facts`, `model`, `report`) has more.
"""

from .data import Panel, load
from .errors import DataError, NotConverged, Unreachable
from .facts import columns_table, local_linear
from .measures import gini, hhi, rank, theil
from .model import (
    PUBLISHED,
    SMOOTH,
    Equilibrium,
    Grid,
    Parameters,
    accuracy,
    default_grid,
    gain,
    impulse_response,
    moments,
    plan,
    simulate,
    solve,
    value,
)

__all__ = [
    "Panel",
    "load",
    "gini",
    "hhi",
    "theil",
    "rank",
    "columns_table",
    "local_linear",
    "Parameters",
    "SMOOTH",
    "PUBLISHED",
    "Grid",
    "default_grid",
    "Equilibrium",
    "solve",
    "simulate",
    "moments",
    "impulse_response",
    "accuracy",
    "plan",
    "value",
    "gain",
    "DataError",
    "NotConverged",
    "Unreachable",
]
