"""Regional industrial specialization in the United States since 1950.

data -> measures -> facts; parameters -> equilibrium -> simulation;
parameters -> planner -> welfare.
"""
