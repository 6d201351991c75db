"""The model: equations, equilibrium, planner, simulation, calibration."""
