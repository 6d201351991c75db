import matplotlib
import numpy as np
import pandas as pd
import pytest
from specialization import describe, figures, synthetic

matplotlib.use("Agg")


def luminance(colour):
    r, g, b = matplotlib.colors.to_rgb(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_years_are_told_apart_by_lightness_alone():
    colours = figures.year_colours(synthetic.YEARS)
    light = [luminance(c) for c in colours.values()]
    assert (np.diff(light) > 0.03).all() and light[-1] < 0.85


def test_survival_is_the_share_of_weight_at_or_above():
    rng = np.random.default_rng(0)
    x, w = rng.integers(1, 50, 500).astype(float), rng.random(500)
    grid, above = figures._survival(x, w)
    for value, share in zip(grid, above, strict=True):
        assert share == pytest.approx(w[x >= value].sum() / w.sum())
    assert grid[0] == x.min() and grid[-1] == x.max()


def test_tail_figure_drops_at_the_topcode(panel):
    people = synthetic.earnings(panel)
    ax = figures.tail_figure(people).axes[0]
    lines = {line.get_label(): line for line in ax.get_lines()}
    code = people["reported"].max()
    assert lines["reported"].get_xdata().max() == pytest.approx(code)
    assert lines["true"].get_xdata().max() == pytest.approx(people["earnings"].max())
    x, share = lines["fitted tail"].get_data()
    slope = np.polyfit(np.log(x), np.log(share), 1)[0]
    assert -slope == pytest.approx(synthetic.TAIL_INDEX, abs=0.1)


def test_densities_integrate_to_one_and_name_years(panel):
    table = describe.zone_measures(panel, "income")
    ax = figures.density_figure({"synthetic": table}).axes[0]
    for line in ax.get_lines():
        assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(1, abs=0.02)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [str(y) for y in panel.years]


def test_map_classes_hold_a_fifth_of_the_zones_each(panel):
    table = describe.zone_measures(panel, "income").query("year == 1950")
    drawn = figures.map_figure(table).axes[0].collections[0]
    classes = np.bincount(np.searchsorted(drawn.norm.boundaries[1:-1], drawn.get_array()))
    assert len(drawn.get_offsets()) == 722 and classes.min() >= 140 and classes.max() <= 148


def test_trend_figure_draws_every_year_of_every_line():
    lines = {"published: income": pd.DataFrame({"year": [1950, 2020], "mean": [0.46, 0.53]}),
             "public": pd.DataFrame({"year": range(1975, 2017), "mean": 0.6})}
    ax = figures.trend_figure(lines).axes[0]
    assert [len(line.get_xdata()) for line in ax.get_lines()] == [2, 42]


def test_series_figure_draws_every_panel_and_names_each_series_once():
    table = pd.DataFrame({"x": [1, 2, 1, 2, 1], "y": [1.0, 2, 3, 4, 5], "se": 0.1,
                          "panel": list("aaabb"), "series": ["s", "s", "t", "t", "published"]})
    fig = figures.series_figure(table, "x", "y", ("x", "y"))
    assert [ax.get_title("left") for ax in fig.axes] == ["a", "b"]
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["s", "t", "published"]
    points = sum(len(c[0].get_xdata()) for ax in fig.axes for c in ax.containers)
    assert points == len(table)
