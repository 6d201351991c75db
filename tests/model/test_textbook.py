"""Two solvers that share the equations and nothing else, and the chapter's own steps."""

from pathlib import Path

import jupytext
import numpy as np
import pytest
from specialization.errors import DataError, NotConverged
from specialization.model import equilibrium, textbook
from specialization.model.parameters import PUBLISHED, SMOOTH

CHAPTER = Path(__file__).parents[2] / "notebooks" / "05_model.md"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"φ": (0.5, 2.0), "σ": (0.04, 0.08)},
        {"ξ": (0.29, 0.10), "μ": (1.0, 1.1)},
        {"γ": 1.0},
        {"collateral": "fixed price", "q_bar": 2.5},
        {"collateral": "fixed limit", "limit": 0.2},
    ],
    ids=str,
)
def test_both_solvers_agree_at_every_node(change):
    p = SMOOTH.but(**change)
    grid = equilibrium.default_grid(p, 20, 7)
    compiled = equilibrium.solve(p, grid, tolerance=1e-8)
    policies = textbook.solve(p, grid, tolerance=1e-8)
    assert tuple(policies) == textbook.NAMES
    assert 0.01 < (policies["η"] > 0).mean() < 0.9  # both kinds of state are compared
    for name, x in policies.items():
        assert x == pytest.approx(compiled.policy(name), abs=1e-6), name


def test_expectations_are_exact_for_what_is_linear():
    grid = equilibrium.Grid([-0.5, -0.2, 0.4], [0.2, 0.5, 0.6, 0.8])
    rng, P = np.random.default_rng(0), np.array([[0.9, 0.1], [0.3, 0.7]])
    level, slope_b, slope_k = rng.normal(size=(3, 2, 1, 1, 4))
    W = level + slope_b * grid.b[:, None, None] + slope_k * grid.k[:, None]
    b1, k1 = rng.uniform(-0.8, 0.8, (2, 3, 4)), rng.uniform(0.1, 0.9, (2, 3, 4))
    tomorrow = [
        level + slope_b * x[..., None] + slope_k * y[..., None]
        for x, y in zip(b1, k1, strict=True)
    ]
    wanted = [np.einsum("n,nijm->ijm", P[s], tomorrow[s]) for s in range(2)]
    assert textbook.expect(grid, P, W, b1, k1) == pytest.approx(np.array(wanted))


def test_refuses_what_it_cannot_solve():
    grid = equilibrium.default_grid(SMOOTH, 6, 4)
    for p in (PUBLISHED, SMOOTH.but(timing="current"), SMOOTH.but(φ=0.0)):
        with pytest.raises(DataError, match="valid: two industries"):
            textbook.solve(p, grid)
    with pytest.raises(NotConverged, match="after 3 steps"):
        textbook.solve(SMOOTH, grid, steps=3)


def test_chapter_types_the_step_of_the_library():
    cells = jupytext.read(CHAPTER, fmt="md:myst").cells
    start = next(n for n, cell in enumerate(cells) if "## A textbook solver" in cell.source)
    end = next(
        n
        for n in range(start + 1, len(cells))
        if cells[n].cell_type == "markdown" and "## " in cells[n].source
    )
    names = {"economy": SMOOTH}
    text = [c.source for c in cells[:end] if c.cell_type == "code"]
    exec(next(t for t in text if t.startswith("import numpy")), names)
    for cell in cells[start:end]:
        if cell.cell_type == "code":
            exec(cell.source, names)
    assert names["step"].keys() == names["library"].keys() == set(textbook.NAMES)
    for name, x in names["step"].items():
        assert np.array_equal(x, names["library"][name])
