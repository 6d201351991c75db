import numpy as np
import pandas as pd
from specialization.facts import describe
from specialization.measures import dispersion


def test_moment_errors_are_the_spread_of_normal_draws():
    mean, cv, n, draws = 0.46, 0.16, 722, 4000
    x = np.random.default_rng(0).normal(mean, mean * cv, (draws, n))
    found = pd.DataFrame([dispersion(row) for row in x])
    p90, p10 = (1 + z * 1.2815515655446004 * cv for z in (1, -1))
    error = describe.moment_errors(
        pd.DataFrame({"mean": [mean], "cv": [cv], "p90_p10": [p90 / p10]}), n
    ).iloc[0]
    # the spread of 4000 draws has a standard error of 1.1%
    np.testing.assert_allclose(found.std(), error[found.columns], rtol=0.05)


def test_tables_of_nothing_keep_their_columns(panel):
    assert list(describe.notes(panel)) == ["what", "count"]
    assert describe.largest_industries(panel, "income").empty
    assert list(describe.lorenz(panel, "income", 11600)) == ["reference", "year", "x", "y"]


def test_incomes_grow_from_the_first_year_to_the_last(panel):
    table = describe.zone_incomes(panel).set_index("zone")
    first, last = (panel.control("income_per_head", t) for t in (1950, 2020))
    np.testing.assert_allclose(np.exp(0.7 * table["growth"]), last / first)
    np.testing.assert_allclose(table["relative"] * np.median(first), first)
