"""The model: equations, equilibrium, planner, simulation, calibration.

`solve` is the market's equilibrium (`equilibrium.solve`), `plan` the planner's (`planner.solve`).
"""

from .calibration import calibrate
from .equilibrium import Equilibrium, Grid, default_grid, solve
from .parameters import PUBLISHED, SMOOTH, Parameters
from .planner import Plan, gain, value
from .planner import solve as plan
from .simulation import accuracy, ergodic, euler_errors, impulse_response, moments, simulate

__all__ = [
    "Parameters", "SMOOTH", "PUBLISHED", "Grid", "default_grid", "Equilibrium", "solve",
    "simulate", "ergodic", "moments", "impulse_response", "euler_errors", "accuracy",
    "Plan", "plan", "value", "gain", "calibrate",
]
