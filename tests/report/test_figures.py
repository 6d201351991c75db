import matplotlib
import numpy as np
import pandas as pd
import pytest
from specialization.data import synthetic
from specialization.data.schema import ZONES
from specialization.facts import describe
from specialization.measures import gini, national_shares
from specialization.report import figures

matplotlib.use("Agg")


def luminance(colour):
    r, g, b = matplotlib.colors.to_rgb(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_tail_figure_drops_at_the_topcode(panel):
    people = synthetic.earnings(panel)
    ax = figures.tail_figure(people).axes[0]
    lines = {line.get_label(): line for line in ax.get_lines()}
    code = people["reported"].max()
    x, share = lines["reported"].get_data()
    assert x[share > 1e-9].max() == pytest.approx(code, rel=0.05)  # a point of the grid
    x, share = lines["true"].get_data()
    w = people["weight"]
    for k in (0, 200, 399):
        assert share[k] == pytest.approx(w[people["earnings"] >= x[k]].sum() / w.sum())
    x, share = lines["fitted tail"].get_data()
    slope = np.polyfit(np.log(x), np.log(share), 1)[0]
    assert -slope == pytest.approx(synthetic.TAIL_INDEX, abs=0.1)


def test_densities_integrate_to_one_and_name_years(panel):
    table = describe.zone_measures(panel, "income")
    ax = figures.density_figure({"synthetic": table}).axes[0]
    for line in ax.get_lines():
        assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(1, abs=0.02)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [str(y) for y in panel.years]
    # years are told apart by lightness alone
    light = [luminance(line.get_color()) for line in ax.get_lines()]
    assert (np.diff(light) > 0.03).all() and light[-1] < 0.85


def test_map_classes_hold_a_fifth_of_the_zones_each(panel):
    made_up = describe.zone_measures(panel, "income").query("year == 1950")
    for table in (made_up, made_up.assign(zone=ZONES.index)):  # dots, and polygons
        drawn = figures.map_figure(table, {"gini": "Gini"}).axes[0].collections[0]
        classes = np.bincount(np.searchsorted(drawn.norm.boundaries[1:-1], drawn.get_array()))
        share = classes / len(drawn.get_array())
        assert share.min() > 0.18 and share.max() < 0.22


def test_polygons_of_a_map_have_the_value_of_their_zone():
    drawn = figures.map_figure(ZONES.reset_index(), {"lat": "latitude"}).axes[0].collections[0]
    south = [path.get_extents().ymin for path in drawn.get_paths()]
    assert np.corrcoef(drawn.get_array(), south)[0, 1] > 0.95


def test_area_between_lorenz_curve_and_diagonal_is_half_the_gini(panel):
    y = panel.cube("income", 1950)
    table = describe.lorenz(panel, "income", panel.zones.index[3])
    ax = figures.lorenz_figure(table).axes[0]
    area = {
        line.get_label(): np.trapezoid(line.get_xdata() - line.get_ydata(), line.get_xdata())
        for line in ax.get_lines()
    }
    assert 2 * area["against equal shares"] == pytest.approx(gini(y[3]))
    assert 2 * area["against national shares"] == pytest.approx(
        gini(y[3], reference=national_shares(y))
    )


def test_trend_figure_draws_every_year_of_every_series():
    printed = pd.DataFrame({"year": [1950, 2020], "mean": [0.46, 0.53]})
    yearly = pd.DataFrame({"year": range(1975, 2017), "mean": 0.6})
    axes = figures.trend_figure(
        {"income": {"published": printed}, "employment": {"published": printed, "b": yearly}}
    ).axes
    drawn = [[len(line.get_xdata()) for line in ax.get_lines()] for ax in axes]
    assert drawn == [[2], [2, 42]]
    assert axes[1].get_lines()[0].get_linestyle() == "None"


def test_sorted_figure_orders_effects_and_marks_what_is_significant():
    t = pd.DataFrame(
        {
            "outcome": ["growth"] * 3 + ["log_income"] * 3,
            "se": 0.1,
            "effect": [3.0, -1, 2, 1, 5, -2],
            "bh": [0.01, 0.5, 0.01, 0.5, 0.5, 0.5],
        }
    )
    level, growth = figures.sorted_figure({"a": t}, "industries").axes
    np.testing.assert_array_equal(growth.get_lines()[1].get_ydata(), [-1, 2, 3])
    np.testing.assert_array_equal(growth.get_lines()[2].get_ydata(), [2, 3])
    assert len(level.get_lines()[2].get_ydata()) == 0
    points = {("published", "growth"): -2, ("published", "log_income"): 0, ("a", "growth"): 2}
    _, growth = figures.sorted_figure({"a": t.rename(columns={"bh": "p"})}, "x", points).axes
    np.testing.assert_array_equal(growth.get_lines()[2].get_ydata(), [2, 3])
    many = pd.concat([t] * 150, ignore_index=True).rename(columns={"bh": "p"})
    level, growth = figures.sorted_figure({"a": many}, "x").axes
    strokes = [ax.collections[-1].get_segments() for ax in (level, growth)]
    assert [len(s) for s in strokes] == [0, 300]
    _, growth = figures.sorted_figure({"a": t.drop(columns="bh")}, "specifications", points).axes
    assert growth.get_lines()[-1].get_xdata() == [1]


def test_series_figure_draws_every_panel_and_names_each_series_once():
    table = pd.DataFrame(
        {
            "x": [1, 2, 1, 2, 1],
            "y": [1.0, 2, 3, 4, 5],
            "se": 0.1,
            "panel": list("aaabb"),
            "series": ["s", "s", "t", "t", "published"],
        }
    )
    fig = figures.series_figure(table, "x", "y", ("x", "y"))
    assert [ax.get_title("left") for ax in fig.axes] == ["a", "b"]
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["s", "t", "published"]
    points = sum(len(c[0].get_xdata()) for ax in fig.axes for c in ax.containers)
    assert points == len(table)
    dashed = figures.series_figure(table.assign(printed=7.0), "x", "y", ("x", "y")).axes[0]
    assert [*dashed.get_lines()[-1].get_ydata()] == [7]


def test_a_series_without_rows_is_drawn_as_empty_axes():
    table = pd.DataFrame(columns=["panel", "series", "x", "y"])
    axes = figures.series_figure(table, "x", "y", ("years", "beta")).axes
    assert [ax.get_xlabel() for ax in axes] == ["years"] and not axes[0].lines


def test_forest_shows_every_interval_and_the_published_effect():
    table = pd.DataFrame(
        [
            ("public", 1980, end, column, row, effect, effect - 0.01, effect + 0.01, published)
            for end in (2000, 2018)
            for column, row, effect, published in (
                ("(1)", "total", -0.02, -0.002),
                ("(2)", "tradable", 0.005, -0.001),
                ("(2)", "total", 9.0, -0.003),
            )
        ],
        columns=[
            "source",
            "base",
            "end",
            "column",
            "row",
            "effect",
            "effect_low",
            "effect_high",
            "published_effect",
        ],
    )
    total, tradable = figures.forest_figure(table).axes
    assert [t.get_text() for t in total.get_yticklabels()] == [
        "public, 1980-2000",
        "public, 1980-2018",
    ]
    for ax, effect, published in ((total, -0.02, -0.002), (tradable, 0.005, -0.001)):
        lines = [line.get_xdata() for line in ax.get_lines()]
        assert [list(x) for x in lines if len(x) == 2][0] == pytest.approx(
            [effect - 0.01, effect + 0.01]
        )
        assert list(lines[-1]) == [published, published]
        assert ax.get_xlim()[0] < effect < ax.get_xlim()[1]
    level = table.assign(column=table["column"].map({"(1)": "(3)", "(2)": "(4)"}))
    total, _ = figures.forest_figure(level[level["end"] == 2018], figures.LEVEL).axes
    assert [t.get_text() for t in total.get_yticklabels()] == ["public, 1980"]
