import numpy as np
from specialization.facts import describe


def test_tables_of_nothing_keep_their_columns(panel):
    assert describe.largest_industries(panel, "income").empty
    assert list(describe.lorenz(panel, "income", 11600)) == ["reference", "year", "x", "y"]


def test_incomes_grow_from_the_first_year_to_the_last(panel):
    table = describe.zone_incomes(panel).set_index("zone")
    first, last = (panel.control("income_per_head", t) for t in (1950, 2020))
    np.testing.assert_allclose(np.exp(0.7 * table["growth"]), last / first)
    np.testing.assert_allclose(table["relative"] * np.median(first), first)
