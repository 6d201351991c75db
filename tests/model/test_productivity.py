"""Productivity processes: known truth, independent oracles, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import lfilter
from specialization.data import download
from specialization.errors import DataError
from specialization.model import productivity
from specialization.model.productivity import TRENDS, ar1, processes, simulated_estimates, smoother
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.filters.hp_filter import hpfilter


def made_up(ρ, σ=0.03, T=77, n=1500, growth=0.01, seed=3):
    """Log productivity with a linear trend, by scipy's filter rather than our recursion."""
    shocks = np.random.default_rng(seed).normal(0, σ, (T + 400, n))
    x = lfilter([1], [1, -ρ], shocks, axis=0)[-T:]
    return pd.DataFrame(x + growth * np.arange(T)[:, None], index=range(1947, 1947 + T))


@pytest.mark.parametrize(
    ("trend", "ρ"),
    [("HP 100", 0.3), ("HP 100", 0.6), ("linear", 0.5), ("linear", 0.8), ("quadratic", 0.7)],
)
def test_corrected_estimates_recover_the_truth(trend, ρ):
    t = processes(made_up(ρ), trend)
    assert t["ols"].mean() < ρ - 0.03
    # where the map is steep the mean is right as well; the median is at every ρ
    assert abs(t["ρ"].median() - ρ) < 0.02
    assert abs(t["σ"].mean() / 0.03 - 1) < 0.01
    inside = (t["low"] <= ρ) & (ρ <= t["high"])
    assert abs(inside.mean() - 0.95) < 0.025
    central = abs(t["ρ"] - ρ) < 0.1
    assert abs(t.loc[central, "se"].median() / t["ρ"].std() - 1) < 0.15 or trend == "HP 100"


def test_bias_of_a_linear_trend_is_that_of_theory():
    # to order 1/T, for an estimated constant and trend (Kendall 1954; Tanaka 1984)
    ρ, T = np.array([0.0, 0.3, 0.6]), 200
    mean, sd, scale = simulated_estimates(T, "linear", ρ, draws=20_000)
    assert np.allclose(mean - ρ, -2 * (1 + 2 * ρ) / T, atol=0.002)
    assert np.allclose(sd, np.sqrt((1 - ρ**2) / T), rtol=0.05)
    assert np.allclose(scale, 1, atol=0.015)


@given(arrays(float, 40, elements=st.floats(-5, 5)))
@settings(max_examples=25, deadline=None)
def test_trends_are_those_of_statsmodels_and_numpy(x):
    t = np.arange(40)
    expected = {
        "HP 100": hpfilter(x, 100)[1],
        "linear": np.polyval(np.polyfit(t, x, 1), t),
        "quadratic": np.polyval(np.polyfit(t, x, 2), t),
    }
    for trend in TRENDS:
        assert np.allclose(smoother(40, trend) @ x, expected[trend], atol=1e-8)


def test_ar1_is_that_of_statsmodels():
    x = made_up(0.6, n=4, growth=0).to_numpy()
    ρ, residuals = ar1(x)
    for n in range(4):
        fit = AutoReg(x[:, n], 1, trend="n").fit()
        assert np.isclose(ρ[n], fit.params[0]) and np.allclose(residuals[:, n], fit.resid)


def test_correlation_and_drift_of_known_series():
    common = made_up(0.5, n=1, growth=0).to_numpy()
    own = made_up(0.5, n=400, growth=0, seed=4)
    logs = own + 0.5 * common + np.outer(np.arange(77), np.linspace(-0.02, 0.02, 400))
    t = processes(logs, "linear")
    assert abs(t["correlation"].mean() - 0.2) < 0.06  # 0.25 / 1.25
    assert abs(t["drift"].mean()) < 1e-12
    assert np.corrcoef(t["drift"], np.linspace(-0.02, 0.02, 400))[0, 1] > 0.98


def test_estimates_do_not_depend_on_units_order_or_company():
    logs = made_up(0.5, n=5)
    t = processes(logs)
    other = processes(3 + 2 * logs[[4, 1]])
    for name in ("ols", "ρ", "se", "low", "high"):
        assert np.allclose(other[name], t.loc[[4, 1], name], atol=1e-9, equal_nan=True)
    assert np.allclose(other["σ"], 2 * t.loc[[4, 1], "σ"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.iloc[:19], "19 years"),
        (lambda x: x.drop(index=1960), "20 years in a row"),
        (lambda x: x.replace(x.loc[1950, 1], np.nan), "1 values missing"),
        (lambda x: x.assign(flat=1.0), "'flat' is constant"),
    ],
)
def test_series_that_cannot_be_used_are_one_clear_error(change, message):
    with pytest.raises(DataError, match=message):
        processes(change(made_up(0.5, n=3)))


def test_unknown_trend():
    with pytest.raises(DataError, match="'cubic'; valid: HP 100, linear, quadratic"):
        processes(made_up(0.5, n=3), "cubic")
    with pytest.raises(DataError, match="industries '45'; valid: 44 industries, 63 industries"):
        productivity.load("45")
    with pytest.raises(DataError, match="measure 'hours'; valid: gross output, value added"):
        productivity.load(measure="hours")


@pytest.mark.public
@pytest.mark.skipif(not download.at_hand([productivity.SOURCE]), reason="needs the public data")
def test_public_file():
    logs = productivity.load()
    assert logs.shape == (77, 44) and logs.index[0] == 1947 and (logs.iloc[0] == 0).all()
    assert logs["Computer and electronic products"].iloc[-1] == logs.iloc[-1].max()
    t = processes(logs, "linear")
    # an independent estimate: statsmodels, with the trend among the regressors
    for name in ("Farms", "Primary metals"):
        fit = AutoReg(logs[name].to_numpy(), 1, trend="ct").fit()
        assert abs(fit.params[-1] - t.loc[name, "ols"]) < 0.03
    later = productivity.load("63 industries", "value added")
    assert later.shape == (61, 63) and later.index[0] == 1963 and later.columns.is_unique


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(a="x"),
        lambda t: t.where(t > t.min().min(), np.inf),
        lambda t: t[::-1],
        lambda t: t.set_axis([f"in {year}" for year in t.index]),
        lambda t: pd.concat([t, t]),
    ],
)
def test_logs_that_are_no_years_of_numbers_are_refused(change):
    draws = np.random.default_rng(0).normal(size=(30, 2))
    logs = pd.DataFrame(draws, range(1981, 2011), ["a", "b"])
    with pytest.raises(DataError):
        processes(change(logs), "linear")


def test_one_industry_has_no_other_to_be_correlated_with():
    logs = pd.DataFrame({"a": np.random.default_rng(0).normal(size=30)}, range(1981, 2011))
    table = processes(logs, "linear")
    assert np.isnan(table.loc["a", "correlation"]) and np.isfinite(table.loc["a", "σ"])


def test_a_unit_root_and_two_years_are_refused():
    for call in (
        lambda: simulated_estimates(30, "linear", [1.0], draws=5),
        lambda: smoother(2, "linear"),
    ):
        with pytest.raises(DataError):
            call()
