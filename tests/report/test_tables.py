import numpy as np
import pandas as pd
import pytest
from specialization.errors import DataError
from specialization.report import tables


@pytest.fixture
def kept(monkeypatch):
    """What was kept, by name."""
    found = {}
    monkeypatch.setattr("myst_nb.glue", lambda name, x, display: found.update({name: x}))
    return found


def test_every_number_of_a_table_is_kept_by_row_and_column(kept):
    rows = pd.MultiIndex.from_tuples([("zone, a", "(1)"), ("zone, a", "(2)")])
    tables.keep_table("slope", pd.DataFrame({"estimate": [1.0, 2.0], "Std. Error": 3}, rows))
    assert kept == {"slope.zone_a.1.estimate": 1, "slope.zone_a.1.std._error": 3,
                    "slope.zone_a.2.estimate": 2, "slope.zone_a.2.std._error": 3}


def test_a_source_that_is_not_shown_is_nan(kept):
    rows = pd.MultiIndex.from_tuples([("public, sectors", 10), ("public, sectors", 40),
                                      ("public", 10)])
    tables.keep_table("beta", pd.Series([0.9, 0.7, 0.8], rows))
    assert kept.pop("beta.public_sectors.10") == 0.9 and kept.pop("beta.public.10") == 0.8
    assert kept.pop("beta.public_sectors.40") == 0.7
    assert set(kept) == {"beta.public.40", *(f"beta.{s}.{h}" for s in ("synthetic", "ipums")
                                             for h in (10, 40))}
    assert np.isnan([*kept.values()]).all()


def test_pick_wants_one_row():
    table = pd.DataFrame({"source": ["public", "public"], "h": [10, 20], "beta": [0.8, 0.6]})
    assert tables.pick(table, "beta", source="public", h=20) == 0.6
    assert np.isnan(tables.pick(table, "beta", source="synthetic"))
    with pytest.raises(DataError, match="2 rows with {'source': 'public'}; valid: one"):
        tables.pick(table, "beta", source="public")

