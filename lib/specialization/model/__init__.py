"""The model: equations, equilibrium, planner, simulation, calibration.

`solve` is the market's equilibrium (`equilibrium.solve`), `plan` the planner's (`planner.solve`).
The functions of `equations` bear the names of the book's equations; `textbook` solves the market
in plain NumPy.
"""

from .amplification import accounting, crises, region, strength, without
from .calibration import by_value, calibrate, elasticities, less_collateral, unexpected
from .equations import productivity_chain
from .equilibrium import Equilibrium, Grid, default_grid, solve
from .parameters import PUBLISHED, SMOOTH, Parameters
from .planner import Plan, gain, value
from .planner import solve as plan
from .productivity import processes
from .regions import compare, experiment, experiment_compared
from .simulation import accuracy, ergodic, euler_errors, impulse_response, moments, simulate
from .textbook import solve as solve_textbook
from .welfare import gains, head_start, long_run, planned, rule_gain

__all__ = [
    "Parameters",
    "SMOOTH",
    "PUBLISHED",
    "productivity_chain",
    "Grid",
    "default_grid",
    "Equilibrium",
    "solve",
    "solve_textbook",
    "simulate",
    "ergodic",
    "moments",
    "impulse_response",
    "euler_errors",
    "accuracy",
    "without",
    "accounting",
    "strength",
    "crises",
    "by_value",
    "calibrate",
    "elasticities",
    "unexpected",
    "less_collateral",
    "processes",
    "region",
    "experiment",
    "compare",
    "experiment_compared",
    "Plan",
    "plan",
    "value",
    "gain",
    "planned",
    "gains",
    "head_start",
    "rule_gain",
    "long_run",
]
