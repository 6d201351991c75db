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
    assert kept == {
        "slope.zone_a.1.estimate": 1,
        "slope.zone_a.1.std._error": 3,
        "slope.zone_a.2.estimate": 2,
        "slope.zone_a.2.std._error": 3,
    }


def test_a_source_that_is_not_shown_is_nan(kept):
    rows = pd.MultiIndex.from_tuples(
        [("public, sectors", 10), ("public, sectors", 40), ("public", 10)]
    )
    tables.keep_table("beta", pd.Series([0.9, 0.7, 0.8], rows))
    assert kept.pop("beta.public_sectors.10") == 0.9 and kept.pop("beta.public.10") == 0.8
    assert kept.pop("beta.public_sectors.40") == 0.7
    assert set(kept) == {
        "beta.public.40",
        *(f"beta.{s}.{h}" for s in ("synthetic", "ipums") for h in (10, 40)),
    }
    assert np.isnan([*kept.values()]).all()


def test_pick_wants_one_row():
    table = pd.DataFrame({"source": ["public", "public"], "h": [10, 20], "beta": [0.8, 0.6]})
    assert tables.pick(table, "beta", source="public", h=20) == 0.6
    assert np.isnan(tables.pick(table, "beta", source="synthetic"))
    with pytest.raises(DataError, match="2 rows with {'source': 'public'}; valid: one"):
        tables.pick(table, "beta", source="public")


def test_only_the_rows_that_the_prose_names_are_kept(kept):
    table = pd.DataFrame(
        {"beta": [1.0, 2.0]}, pd.MultiIndex.from_tuples([("public", 10), ("public", 20)])
    )
    tables.keep_table("b", table, [("public", 20), ("synthetic", 20)])
    assert kept.pop("b.public.20.beta") == 2
    assert [*kept] == ["b.synthetic.20.beta"] and np.isnan(kept["b.synthetic.20.beta"])


def test_wide_tables_keep_the_order_of_labels_and_sources_together():
    long = pd.DataFrame(
        {
            "source": ["synthetic", "public", "synthetic", "public"],
            "row": list("bbaa"),
            "column": ["(2)", "(2)", "(1)", "(1)"],
            "x": [1, 2, 3, 4],
        }
    )
    table = tables.wide(long, ["source", "row"], "column", "x")
    assert table.index.tolist() == [
        ("synthetic", "b"),
        ("synthetic", "a"),
        ("public", "b"),
        ("public", "a"),
    ]
    assert list(table) == ["(2)", "(1)"]
    assert table.loc[("public", "a"), "(1)"] == 4
    assert table.isna().sum().sum() == 4
    across = tables.wide(long, "row", ["source", "column"], "x")
    assert list(across)[:2] == [("synthetic", "(2)"), ("synthetic", "(1)")]
    with pytest.raises(ValueError, match="duplicate"):
        tables.wide(long.assign(row="a", column="(1)"), "row", "column", "x")


def test_published_numbers_by_the_names_of_the_library():
    columns = tables.published_columns().set_index(["column", "row"])["estimate"]
    assert columns["(2)", "tradable"] == -0.154
    assert columns["(1)", "log_income"] == -0.864 and columns["(4)", "adj_r2"] == 0.408
    horizons = tables.published_horizons()
    assert horizons.index.tolist() == list(range(10, 80, 10))
    assert horizons.loc[50].to_list() == [-0.142, 0.0147, "**", 1403, 0.308]


def test_a_table_without_rows_says_so_and_sources_are_vintages():
    page = tables.Table(pd.DataFrame({"source": ["public"], "x": [1]}), "Made up")._repr_html_()
    assert ">vintage</th>" in page and "source" not in page
    empty = tables.Table(pd.DataFrame({"x": []}), "Made up")._repr_html_()
    assert "not among the vintages shown" in empty
