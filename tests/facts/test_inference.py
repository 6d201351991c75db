import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest as pf
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from linearmodels import IV2SLS, PanelOLS
from specialization.data import download
from specialization.errors import DataError
from specialization.facts import inference
from specialization.facts.inference import (
    akm,
    conley,
    great_circle,
    group_codes,
    placebo,
    residualise,
    wild_cluster,
)

ORACLES = Path(__file__).parents[1] / "oracles"
ADH = ("adh_cz_workfile.rda", "adh_cz_industry_shares.rda", "adh_industry_shocks.rda")
seeds = st.integers(0, 2**32 - 1)


def zones(n=60, seed=0, S=12):
    """Made-up zones: regressors with constant, outcome, places, states, shares and shocks."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    return {
        "X": X,
        "y": X @ [1, 0.5, -0.2] + rng.normal(size=n) * (1 + np.abs(X[:, 1])),
        "lat": rng.uniform(30, 48, n),
        "lon": rng.uniform(-120, -70, n),
        "state": rng.integers(0, 9, n),
        "shares": rng.dirichlet(np.full(S, 0.4), n),
        "shocks": rng.normal(size=S),
    }


def residuals(z):
    return sm.OLS(z["y"], z["X"]).fit().resid


def none(n=60):
    return np.empty((n, 0))


def shift_share(z):
    return akm(z["y"], z["shares"], z["shocks"], z["X"][:, 1:])


# What R says


@pytest.fixture(scope="module")
def r():
    table = pd.read_csv(ORACLES / "inference_expected.csv", index_col="name")["value"]
    return table.to_dict()


@pytest.fixture(scope="module")
def data():
    return pd.read_csv(ORACLES / "inference.csv")


@pytest.fixture(scope="module")
def ols(data):
    return sm.OLS(data["y"], sm.add_constant(data[["x", "z"]]))


def same(value):
    return pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_errors_are_those_of_sandwich(ols, r, kind):
    assert ols.fit(cov_type=kind).bse["x"] == same(r[kind])


def test_clustered_errors_are_those_of_sandwich_clubsandwich_and_estimatr(ols, data, r):
    fit = ols.fit(cov_type="cluster", cov_kwds={"groups": data["state"]})
    for name in ("sandwich_CR1", "club_CR1S", "estimatr_stata"):
        assert fit.bse["x"] == same(r[name])
    assert r["club_CR0"] < r["club_CR1S"] < r["club_CR2"] < r["club_CR3"]
    assert r["club_CR2"] == same(r["estimatr_CR2"])


def test_pyfixest_has_small_sample_factors_that_r_has_not(data, r):
    n, G = len(data), data["state"].nunique()

    def se(vcov):
        return pf.feols("y ~ x + z", data, vcov=vcov).se()["x"]

    assert se("hetero") == same(r["HC1"])
    assert se("HC3") == same(r["HC3"] * np.sqrt(n / (n - 3)))
    assert se({"CRV1": "state"}) == same(r["sandwich_CR1"])
    assert se({"CRV3": "state"}) == same(r["club_CR3"] * np.sqrt((n - 1) / (n - 3) * G / (G - 1)))


def test_two_way_clusters_state_by_state_and_year_by_year(ols, data, r):
    groups = data[["state", "year"]].to_numpy()
    fit = ols.fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert fit.bse["x"] == same(r["two_way"])


def test_two_way_fixed_effects(data, r):
    def fixed(vcov, **options):
        return pf.feols("y ~ x + z | zone + year", data, vcov=vcov, **options)

    assert fixed("hetero").coef()["x"] == same(r["fe_beta"])
    assert fixed("hetero").se()["x"] == same(r["fe_hc1"])
    panel = data.set_index(["zone", "year"])
    fit = PanelOLS(panel["y"], panel[["x", "z"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, debiased=False, group_debias=False
    )
    assert fit.params["x"] == same(r["fe_beta"])
    # linearmodels counts the 24 + 5 effects in its factor, though zones lie within clusters
    assert fit.std_errors["x"] == same(r["fe_cluster"] * np.sqrt(144 / (144 - 29)))
    no_factor = pf.ssc(k_adj=False, G_adj=False)
    assert fixed({"CRV1": "zone"}, ssc=no_factor).se()["x"] == same(r["fe_cluster"])


def test_conley_is_that_of_r(ols, data, r):
    fit = ols.fit()
    V = conley(ols.exog, fit.resid, data["lat"], data["lon"], 500)
    assert np.sqrt(V[1, 1]) == same(r["conley"])


def test_akm_and_bhj_are_those_of_r(data, r):
    W = data.filter(like="share").to_numpy()
    g = pd.read_csv(ORACLES / "inference_shocks.csv")["shock"]
    controls = np.column_stack([data["z"], W.sum(axis=1)])
    found = akm(data["y"], W, g, controls)
    assert [found[k] for k in ("beta", "akm", "low0", "high0", "bhj")] == pytest.approx(
        [r[k] for k in ("akm_beta", "akm", "akm0_low", "akm0_high", "bhj")], rel=1e-8
    )
    assert r["bhj_beta"] == same(found["beta"])


# Published numbers


@pytest.fixture(scope="module")
def adh(need):
    import rdata

    need(ADH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # tibbles are read as data frames
        frames = [next(iter(rdata.read_rda(download.fetch(f)).values())) for f in ADH]
    work, shares, shocks = frames
    for frame in (shares, shocks):
        frame["key"] = frame["year"] * 10_000 + frame["sic87dd"]
    W = shares.pivot(index=["czone", "year"], columns="key", values="ind_share").fillna(0)
    work, shocks = work.set_index(["czone", "year"]), shocks.set_index("key")
    return work.loc[W.index], W, shocks.loc[W.columns]


@pytest.mark.public
def test_china_shock_akm(adh):
    work, W, shocks = adh
    found = akm(work["d_sh_empl"], W, shocks["g"], none(len(W)))
    assert found["beta"] == pytest.approx(-0.480776241314, rel=1e-7)
    assert found["robust"] == pytest.approx(0.0581395534194, rel=1e-7)
    # 773 of the 794 columns are linearly independent, the published matrix has 770. Which three it
    # lacks is not documented. Of all sets of three, the one that comes nearest to both published
    # errors is one sector in both years and its neighbour (guided missiles): it is left out here.
    assert len(inference._basis(W.to_numpy())) == 773
    assert found["akm"] == pytest.approx(0.0972197765591, rel=1e-4)
    W = W.drop(columns=[1990_3764, 2000_3764, 2000_3761])
    found = akm(work["d_sh_empl"], W, shocks["g"][W.columns], none(len(W)))
    assert len(inference._basis(W.to_numpy())) == 770
    assert found["akm"] == pytest.approx(0.0972197765591, abs=1e-7)
    assert found["se0"] == pytest.approx(0.125331063318, abs=1e-7)


# Conley


def test_distances_of_cities():
    # London, Paris, New York: great-circle distances of atlases
    d = great_circle([51.5074, 48.8566, 40.7128], [-0.1278, 2.3522, -74.0060])
    assert d[0, 1] == pytest.approx(344, abs=1) and d[0, 2] == pytest.approx(5570, abs=5)
    assert (d == d.T).all() and (np.diag(d) == 0).all()
    assert great_circle([0, 0], [0, 180])[0, 1] == pytest.approx(np.pi * inference.EARTH_KM)


def test_conley_is_the_double_sum():
    z = zones(n=25)
    X, u, d = z["X"], residuals(z), great_circle(z["lat"], z["lon"])
    meat = np.zeros((3, 3))
    for i in range(25):
        for j in range(25):
            if d[i, j] <= 900:
                meat += (1 - d[i, j] / 900) * u[i] * u[j] * np.outer(X[i], X[j])
    bread = np.linalg.inv(X.T @ X)
    V = conley(X, u, z["lat"], z["lon"], 900)
    assert V == pytest.approx(25 / 22 * bread @ meat @ bread, rel=1e-10)


def test_conley_without_neighbours_is_hc1():
    z = zones()
    fit = sm.OLS(z["y"], z["X"]).fit(cov_type="HC1")
    V = conley(z["X"], fit.resid, z["lat"], z["lon"], 1e-6)
    assert V == pytest.approx(fit.cov_params(), rel=1e-10)


def test_conley_of_islands_is_clustered():
    # zones at the same place are one cluster, the places are far apart
    z = zones()
    lat, lon = 5.0 * z["state"], -10.0 * z["state"]
    fit = sm.OLS(z["y"], z["X"]).fit(
        cov_type="cluster", cov_kwds={"groups": z["state"], "use_correction": False}
    )
    V = conley(z["X"], fit.resid, lat, lon, 100)
    assert 57 / 60 * V == pytest.approx(fit.cov_params(), rel=1e-10)


@given(seeds, st.floats(0.1, 10), st.floats(50, 1500))
@settings(max_examples=30, deadline=None)
def test_conley_knows_no_unit_and_no_order(seed, scale, cutoff):
    z = zones(n=30, seed=seed)
    u, order = residuals(z), np.random.default_rng(seed).permutation(30)
    V = conley(z["X"], u, z["lat"], z["lon"], cutoff)
    assert conley(z["X"], scale * u, z["lat"], z["lon"], cutoff) == pytest.approx(scale**2 * V)
    assert conley(
        z["X"][order], u[order], z["lat"][order], z["lon"][order] + 7, cutoff
    ) == pytest.approx(V)


# Shift-share


@given(seeds, st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=30, deadline=None)
def test_akm_knows_no_unit_no_order_and_no_controls_in_the_outcome(seed, scale, shift):
    z = zones(seed=seed)
    before, order = shift_share(z), np.random.default_rng(seed).permutation(60)
    y = scale * z["y"] + shift * z["X"][:, 1] + shift
    after = akm(
        y[order], z["shares"][order][:, ::-1], 3 * z["shocks"][::-1], controls=z["X"][order, 1:]
    )
    for name in ("beta", "akm", "bhj", "low0", "high0", "robust"):
        assert 3 * after[name] == pytest.approx(scale * before[name], rel=1e-6)
    assert after["p0"] == pytest.approx(before["p0"], rel=1e-6)


def test_akm_point_and_robust_error_are_those_of_least_squares():
    z = zones()
    x = z["shares"] @ z["shocks"]
    fit = sm.OLS(z["y"], np.column_stack([x, z["X"]])).fit(cov_type="HC1")
    found = shift_share(z)
    assert [found["beta"], found["robust"]] == pytest.approx([fit.params[0], fit.bse[0]])


def test_akm_of_zones_that_share_nothing_is_robust():
    z = zones(n=60) | {"shares": np.eye(60), "shocks": np.random.default_rng(3).normal(size=60)}
    found = shift_share(z)
    assert found["akm"] == pytest.approx(found["robust"] * np.sqrt(56 / 60))


def test_ends_of_the_akm0_interval_are_just_rejected():
    z = zones(n=200)
    found = shift_share(z)
    assert found["low0"] < found["beta"] < found["high0"] < np.inf
    x = z["shares"] @ z["shocks"]
    for end, p in {"low0": 0.05, "high0": 0.05, "beta": 1}.items():
        less = shift_share(z | {"y": z["y"] - found[end] * x})
        assert less["p0"] == pytest.approx(p, abs=1e-9)


def test_akm0_interval_is_the_line_where_three_shocks_are_all():
    found = shift_share(zones(S=3))
    assert (found["low0"], found["high0"], found["se0"]) == (-np.inf, np.inf, np.inf)


def test_a_split_industry_is_left_out():
    z = zones()
    s = z["shares"]
    parts = [0.7 * s[:, :1], s[:, 1:], 0.3 * s[:, :1], 0 * s[:, :1]]
    split = z | {
        "shares": np.column_stack(parts),
        "shocks": np.append(z["shocks"], [z["shocks"][0], 5]),
    }
    one, two = shift_share(z), shift_share(split)
    for name in ("beta", "akm", "low0"):
        assert two[name] == pytest.approx(one[name])


@pytest.mark.parametrize("whole", [True, False])
def test_bhj_errors_are_those_of_linearmodels(whole):
    z = zones(n=300, S=30)
    W = z["shares"] if whole else z["shares"] * np.random.default_rng(6).random((300, 1))
    Z = z["X"] if whole else np.column_stack([z["X"], W.sum(axis=1)])
    ȳ, x̄ = (W.T @ sm.OLS(v, Z).fit().resid / W.sum(axis=0) for v in (z["y"], W @ z["shocks"]))
    fit = IV2SLS(ȳ, np.ones((30, 1)), x̄, z["shocks"], weights=W.sum(axis=0)).fit(cov_type="robust")
    found = akm(z["y"], W, z["shocks"], Z[:, 1:])
    assert [found["beta"], found["bhj"]] == pytest.approx(
        [fit.params.iloc[-1], fit.std_errors.iloc[-1]]
    )
    # which is not the shift-share regression where the controls lack the sum of the shares
    assert np.isnan(akm(z["y"], W, z["shocks"], z["X"][:, 1:])["bhj"]) == (not whole)


@pytest.mark.slow
def test_intervals_cover_where_errors_share_industries():
    # shocks and errors both come through the shares: what the two methods are for
    rng = np.random.default_rng(1)
    W = rng.dirichlet(np.full(80, 0.1), 200)
    covered = {"akm": [], "akm0": [], "bhj": [], "robust": []}
    for _ in range(400):
        g = rng.normal(size=80)
        y = 0.5 * W @ g + W @ rng.normal(size=80) + 0.05 * rng.normal(size=200)
        found = akm(y, W, g, none(200))
        covered["akm0"].append(found["low0"] < 0.5 < found["high0"])
        for name in ("akm", "bhj", "robust"):
            covered[name].append(abs(found["beta"] - 0.5) < inference.Z95 * found[name])
    rate = {name: np.mean(hits) for name, hits in covered.items()}
    error = np.sqrt(0.05 * 0.95 / 400)
    assert abs(rate["akm0"] - 0.95) < 3 * error
    assert 0.87 < rate["akm"] < rate["akm0"] and 0.87 < rate["bhj"] < rate["akm0"]
    assert rate["robust"] < 0.8


# Wild cluster bootstrap


def test_wild_cluster_is_wildboottest():
    from wildboottest.wildboottest import wildboottest

    z = zones(n=120)
    groups = np.arange(120) % 17
    model = sm.OLS(z["y"], pd.DataFrame(z["X"], columns=list("abc")))
    theirs = wildboottest(model, B=499, cluster=groups, param="b", seed=3, show=False)
    found = wild_cluster(z["y"], z["X"][:, 1], z["X"][:, 2:], groups, draws=499, seed=3)
    assert found == theirs["p-value"].iloc[0]


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_wild_cluster_imposes_the_null_and_knows_no_unit_and_no_order(seed):
    z, order = zones(seed=seed), np.random.default_rng(seed).permutation(60)
    y, x, other, state = z["y"], z["X"][:, 1], z["X"][:, 2:], z["state"]
    p = wild_cluster(y, x, other, state, draws=199)
    moved = 3 * y + 2 * other[:, 0] - 1
    assert wild_cluster(moved[order], -7 * x[order], other[order], state[order], draws=199) == p
    fitted = sm.OLS(y, z["X"]).fit().params[1] * x  # the estimate is never rejected
    assert wild_cluster(y - fitted, x, other, state, draws=199) > 0.98


@pytest.mark.parametrize("weighted", [False, True])
def test_wild_cluster_is_one_regression_for_each_draw(weighted):
    from wildboottest.weights import draw_weights

    z, rng = zones(n=80, seed=5), np.random.default_rng(5)
    y, X, groups = z["y"], z["X"], np.arange(80) % 11
    w = rng.uniform(0.2, 5, 80) if weighted else np.ones(80)
    signs, _ = draw_weights("rademacher", False, 11, 299, np.random.default_rng(7))

    def t(outcome):
        fit = sm.WLS(outcome, X, weights=w).fit(cov_type="cluster", cov_kwds={"groups": groups})
        return abs(fit.tvalues[1])

    null = sm.WLS(y, np.delete(X, 1, axis=1), weights=w).fit()
    drawn = [t(null.fittedvalues + v[groups] * null.resid) for v in signs.T]
    p = wild_cluster(y, X[:, 1], X[:, 2:], groups, 299, 7, weights=w if weighted else None)
    assert p == np.mean(np.array(drawn) >= t(y) * (1 - 1e-9))


def test_weights_are_positive():
    with pytest.raises(DataError, match=r"weights: 0 in row 3; valid: > 0"):
        wild_cluster(
            GOOD["y"],
            np.arange(60.0),
            none(),
            GOOD["state"],
            weights=np.where(np.arange(60) == 3, 0.0, 1),
        )


# Two-stage least squares


def test_two_stage_is_that_of_linearmodels_and_pyfixest():
    rng, n = np.random.default_rng(2), 240
    t = pd.DataFrame(rng.normal(size=(n, 4)), columns=["e", "z", "a", "b"])
    t["g"] = np.arange(n) % 24
    t["x"] = 0.7 * t["z"] + 0.3 * t["a"] + t["e"] + rng.normal(size=n)
    t["y"] = 2 * t["x"] - t["b"] + t["e"] + rng.normal(size=24)[t["g"]]
    estimate, se, F = inference.two_stage(t["y"], t["x"], t["z"], t[["a", "b"]], t["g"])
    exog = sm.add_constant(t[["a", "b"]])
    theirs = IV2SLS(t["y"], exog, t["x"], t["z"]).fit(
        cov_type="clustered", clusters=t["g"], debiased=True
    )
    order = ["x", "a", "b"]
    np.testing.assert_allclose(estimate, theirs.params[order])
    np.testing.assert_allclose(se, theirs.std_errors[order])
    other = pf.feols("y ~ a + b | x ~ z", t, vcov={"CRV1": "g"})
    np.testing.assert_allclose(estimate, other.coef()[order])
    first = sm.OLS(t["x"], sm.add_constant(t[["z", "a", "b"]])).fit(
        cov_type="cluster", cov_kwds={"groups": t["g"]}
    )
    assert F == pytest.approx(first.tvalues["z"] ** 2)


def test_two_stage_knows_no_units_and_names_what_is_collinear():
    rng = np.random.default_rng(4)
    y, x, z, c = rng.normal(size=(4, 90))
    groups, Z = np.arange(90) % 9, c[:, None]
    one = inference.two_stage(y, x + z, z, Z, groups)
    other = inference.two_stage(y, 1e7 * (x + z), 1e-7 * z, 1e5 * Z, groups)
    np.testing.assert_allclose(other[0] * [1e7, 1e5], one[0], rtol=1e-6)
    np.testing.assert_allclose(other[1] * [1e7, 1e5], one[1], rtol=1e-6)
    assert other[2] == pytest.approx(one[2])
    with pytest.raises(DataError, match="instrument: constant or collinear"):
        inference.two_stage(y, x, 2 * c + 1, Z, groups)


def test_wild_bootstrap_of_three_clusters_cannot_reject():
    # eight sign vectors, of which all plus and all minus repeat the sample: p >= 1/4
    x = np.arange(60.0)
    assert wild_cluster(x + GOOD["y"] / 100, x, none(), GOOD["state"] % 3) == 0.25


# Placebo


def test_placebo_rejects_as_each_regression_would():
    z = zones()
    arguments = (z["y"], z["lat"], z["lon"], z["state"], 800, 500, none())
    rates = placebo(*arguments, draws=40, bootstrap=99, seed=4)
    d = great_circle(z["lat"], z["lon"])
    root = np.linalg.cholesky(np.exp(-d / 800) + 1e-9 * np.eye(60))
    reject = {"hc1": [], "cluster": [], "conley": [], "wild": []}
    for field in (root @ np.random.default_rng(4).standard_normal((60, 40))).T:
        X = sm.add_constant(field)
        model = sm.OLS(z["y"], X)
        reject["hc1"].append(model.fit(cov_type="HC1", use_t=True).pvalues[1] < 0.05)
        reject["cluster"].append(
            model.fit(cov_type="cluster", use_t=True, cov_kwds={"groups": z["state"]}).pvalues[1]
            < 0.05
        )
        fit = model.fit()
        V = conley(X, fit.resid, z["lat"], z["lon"], 500)
        reject["conley"].append(abs(fit.params[1]) > 1.959964 * np.sqrt(V[1, 1]))
        reject["wild"].append(wild_cluster(z["y"], field, none(), z["state"], 99, 4) < 0.05)
    assert {k: rates[k] for k in reject} == {k: np.mean(v) for k, v in reject.items()}
    assert rates == placebo(*arguments, draws=40, bootstrap=99, seed=4)


@pytest.mark.slow
def test_placebo_has_its_size_where_nothing_is_correlated_and_not_where_all_is():
    rng = np.random.default_rng(2)
    lat, lon = rng.uniform(30, 48, 300), rng.uniform(-120, -70, 300)
    state = (np.floor(lat / 6) * 100 + np.floor(lon / 6)).astype(int)
    plain = placebo(rng.normal(size=300), lat, lon, state, 1, 100, none(300), draws=400)
    for kind in ("hc1", "cluster", "conley", "wild"):
        assert abs(plain[kind] - 0.05) < 4 * plain["error"]
    d = great_circle(lat, lon)
    smooth = np.linalg.cholesky(np.exp(-d / 1500)) @ rng.normal(size=300)
    spatial = placebo(smooth, lat, lon, state, 1500, 1000, none(300), draws=400)
    assert spatial["hc1"] > 0.3 and spatial["conley"] < spatial["hc1"]


# Bad input


def run_conley(z):
    return conley(z["X"], z["y"], z["lat"], z["lon"], z.get("cutoff", 100))


def run_wild(z):
    return wild_cluster(z["y"], z["X"][:, 1], z["X"][:, 2:], z["state"])


def run_placebo(z):
    return placebo(
        z["y"], z["lat"], z["lon"], z["state"], z.get("length", 100), 100, none(), draws=2
    )


GOOD = zones()
NAN = np.where(np.arange(60) == 7, np.nan, GOOD["y"])
TWICE = np.column_stack([GOOD["X"], GOOD["X"][:, 1] * 2])


@pytest.mark.parametrize(
    "run, change, message",
    [
        (run_conley, {"y": NAN}, "residuals: 60 rows, 1 entries NaN"),
        (run_conley, {"cutoff": 0}, "cutoff_km = 0"),
        (run_conley, {"cutoff": np.nan}, "cutoff_km = nan"),
        (run_conley, {"lon": GOOD["lon"][1:]}, "lon: 59 rows, .*valid: 60"),
        (run_conley, {"X": TWICE}, "X: a column is constant twice or collinear"),
        (run_conley, {"X": GOOD["X"][:, [0, 0, 1]]}, "X: a column is constant twice"),
        (shift_share, {"y": NAN}, "y: 60 rows, 1 entries NaN"),
        (shift_share, {"shocks": np.ones(11)}, r"shocks \(11,\); valid: .* a shock for each"),
        (shift_share, {"shares": -GOOD["shares"]}, "shares .* from -"),
        (shift_share, {"shares": GOOD["shares"][1:]}, "shares: 59 rows"),
        (shift_share, {"shocks": np.ones(12)}, "shift-share: constant or collinear"),
        (shift_share, {"X": TWICE[1:]}, "controls: 59 rows"),
        (run_conley, {"lat": GOOD["lat"] + 45}, r"lat: 9\d.* in row \d+; valid: -90 to 90"),
        (
            run_conley,
            {"lon": GOOD["lon"] - 100},
            r"lon: -(18|19|2\d)\d.* in row \d+; valid: -180 to 180",
        ),
        (
            run_conley,
            {k: GOOD[k][:3] for k in ("X", "y", "lat", "lon")},
            "rows for .* columns; valid: more",
        ),
        (run_placebo, {"lat": GOOD["lat"] + 45}, "lat: 9.*valid: -90 to 90"),
        (
            run_placebo,
            {"state": np.where(GOOD["lat"] > 47, None, "S")},
            "cluster: .* labels missing",
        ),
        (
            run_wild,
            {"state": np.where(np.arange(60) == 7, np.nan, GOOD["state"])},
            "cluster: 1 of 60 labels missing, the first in row 7",
        ),
        (run_wild, {"state": np.zeros(60)}, "1 groups of 60; valid: 2 or more"),
        (run_wild, {"state": GOOD["state"][1:]}, "of 59; valid: .* of 60"),
        (run_wild, {"X": np.ones((60, 2))}, "regressor: constant"),
        (run_wild, {"X": TWICE[:, [0, 1, 3]]}, "regressor: constant or collinear"),
        (run_placebo, {"length": 0}, "length_km = 0"),
        (run_placebo, {"y": np.ones(60)}, "y: constant"),
        (run_placebo, {"y": NAN}, "y: 60 rows, 1 entries NaN"),
        (run_wild, {"state": np.ones((60, 2))}, "cluster: labels of 2 dimensions"),
        (run_wild, {"y": GOOD["y"][:, None]}, "y: 2 dimensions; valid: 1"),
    ],
)
def test_bad_input(run, change, message):
    with pytest.raises(DataError, match=message):
        run(GOOD | change)


@pytest.mark.parametrize("columns", [2, 3])
def test_shares_of_which_one_combination_is_left_have_no_standard_error(columns):
    # two that sum to one; three, of which a control is one: residuals are orthogonal to the rest
    z = zones(S=columns)
    controls = (
        z["X"][:, 1:] if columns == 2 else np.column_stack([z["X"][:, 1:], z["shares"][:, 0]])
    )
    for unit in (1, 1e-9):
        with pytest.raises(DataError, match="the controls leave one combination of"):
            akm(z["y"], z["shares"] * unit, z["shocks"], controls)


def test_group_codes_know_missing_labels_of_all_kinds():
    assert group_codes(pd.Series(["b", "a", "b"], dtype="category")).tolist() == [1, 0, 1]
    for labels in (
        ["a", None],
        ["a", np.nan],
        pd.Series(["a", pd.NA], dtype="string"),
        [1.0, np.nan],
    ):
        with pytest.raises(DataError, match="state: 1 of 2 labels missing, the first in row 1"):
            group_codes(labels, "state")


units = st.integers(-14, 14).map(lambda k: 10.0**k)


@given(seeds, st.tuples(units, units, units))
@settings(max_examples=30, deadline=None)
def test_nothing_depends_on_the_units_of_regressors_and_controls(seed, scale):
    z = zones(seed=seed)
    X, (a, b, c), other = z["X"], scale, z["X"][:, 1:] * scale[:2]
    x, u, places = X[:, 1], residuals(z), (z["lat"], z["lon"])
    D = np.array([1, a, b])
    before, after = (conley(v, u, *places, 300) for v in (X, X * D))
    np.testing.assert_allclose(after * np.outer(D, D), before, rtol=1e-6, atol=1e-12)
    before, after = shift_share(z), akm(z["y"], z["shares"] * c, z["shocks"], other)
    for name, value in before.items():
        assert after[name] * (1 if name == "p0" else c) == pytest.approx(value, rel=1e-6), name
    assert wild_cluster(z["y"], c * x, b * X[:, 2:], z["state"], 99) == wild_cluster(
        z["y"], x, X[:, 2:], z["state"], 99
    )
    left = residualise(z["y"][:, None], X[:, 1:], "y")
    np.testing.assert_allclose(residualise(c * z["y"][:, None], other, "y"), c * left, rtol=1e-6)
    with pytest.raises(DataError, match="collinear with the controls"):
        residualise(c * x[:, None], other, "x")


def test_a_control_that_repeats_another_changes_nothing():
    z = zones()
    once, twice = z["X"][:, 2:], np.column_stack([z["X"][:, 2:], 1e-7 * z["X"][:, 2] + 3])
    arguments = z["y"], z["X"][:, 1]
    assert wild_cluster(*arguments, twice, z["state"]) == wild_cluster(
        *arguments, once, z["state"]
    )
    for name, value in akm(z["y"], z["shares"], z["shocks"], once).items():
        assert akm(z["y"], z["shares"], z["shocks"], twice)[name] == pytest.approx(value)


def test_negative_variance_is_an_error():
    # in two dimensions the kernel has negative eigenvalues: residuals along such a vector
    lat, lon = (v.ravel() for v in np.meshgrid(np.arange(8.0), np.arange(8.0)))
    weights = inference.bartlett(great_circle(lat, lon), 160)
    values, vectors = np.linalg.eigh(weights)
    assert values[0] < -0.01
    with pytest.raises(DataError, match="negative or zero variance with cutoff_km=160"):
        conley(np.ones((64, 1)), vectors[:, 0], lat, lon, 160)


@pytest.mark.parametrize("unit", [1e-200, 1e-100, 1e100, 1e200])
def test_units_of_y_and_shocks_do_not_matter(unit):
    rng = np.random.default_rng(0)
    W, g, y, Z = rng.dirichlet(np.ones(5), 60), rng.normal(size=5), *rng.normal(size=(2, 60))
    plain = inference.akm(y, W, g, Z)
    for found, scale in (
        (inference.akm(y * unit, W, g, Z), unit),
        (inference.akm(y, W, g * unit, Z), 1 / unit),
    ):
        for key in ("beta", "robust", "akm", "bhj", "se0"):
            assert found[key] / scale == pytest.approx(plain[key], rel=1e-9)
        assert found["p0"] == pytest.approx(plain["p0"])
    x, group = rng.normal(size=60), np.arange(60) % 12
    p = inference.wild_cluster(y, x, Z, group, 99)
    assert p == inference.wild_cluster(y * unit, x, Z, group, 99)
    assert p == inference.wild_cluster(y, x * unit, Z * unit, group, 99)


@pytest.mark.parametrize("draws", [0, -1, 2.5, "9", True, None, 10**12])
def test_draws_are_whole_and_some(draws):
    x = np.arange(12.0)
    with pytest.raises(DataError, match="draws = "):
        inference.wild_cluster(2 * x + x % 3, x, np.empty((12, 0)), x % 4, draws)


def test_what_has_no_error_is_refused():
    x, none = np.arange(12.0), np.empty((12, 0))
    with pytest.raises(DataError, match="x explains y exactly"):
        inference.wild_cluster(x, x, none, x % 4)
    with pytest.raises(DataError, match="2 rows for 2 coefficients"):
        inference.wild_cluster([1, 2], [1, 3], np.empty((2, 0)), [0, 1])
    u = x - x.mean()
    for cutoff, lat in ((1e300, 30 + x), (300, 0 * x + 30)):  # scores sum to zero
        with pytest.raises(DataError, match="negative or zero variance"):
            inference.conley(np.ones((12, 1)), u, lat, 0 * x - 90, cutoff)
    with pytest.raises(DataError, match="residuals: entries up to"):
        inference.conley(np.ones((12, 1)), u * 1e-200, 30 + x, 0 * x - 90, 300)


def test_blank_labels_are_missing():
    with pytest.raises(DataError, match="state: 1 of 3 labels missing, the first in row 1"):
        inference.group_codes(["OH", " ", "NY"], "state")
    with pytest.raises(DataError, match="labels that are lists"):
        inference.group_codes(pd.Series([["OH"], ["NY"]]))
