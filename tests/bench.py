"""Time and memory of the library beside the usual alternative: `make bench`."""

import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import bench_model
import numpy as np
import pandas as pd
from inequality.gini import Gini
from specialization import measures
from specialization.data import public, synthetic, vintages
from specialization.facts import dynamics, inference, persistence, tradeoff
from statsmodels.api import OLS
from statsmodels.nonparametric.smoothers_lowess import lowess
from wildboottest.wildboottest import wildboottest

REPEATS = 3


def seconds(f, repeats=REPEATS):
    """Median time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def pandas_gini(frame):
    """Gini by group as one writes it in pandas."""

    def one(y):
        s = np.sort(y.to_numpy())
        n = s.size
        return (2 * np.arange(1, n + 1) - n - 1) @ s / s.sum() / n

    return frame.groupby(["year", "zone"])["y"].agg(one)


def bench_measures():
    """All measures in one pass over 1.1 million cells, and the Gini three ways."""
    y = np.random.default_rng(0).lognormal(size=(7, 722, 228))
    y[y < 0.3] = 0
    index = pd.MultiIndex.from_product(map(range, y.shape), names=["year", "zone", "industry"])
    frame = pd.DataFrame({"y": y.ravel()}, index=index)
    rows = y.reshape(-1, y.shape[2])
    own = seconds(lambda: measures.gini(y))
    group = y[0, 0] < 1
    every = seconds(
        lambda: [
            f(y)
            for f in (
                measures.gini,
                measures.hhi,
                measures.max_share,
                measures.theil,
                measures.krugman,
                lambda y: measures.gini(y, zeros=False),
                lambda y: measures.theil_decomposition(y, group),
                measures.revealed_comparative_advantage,
            )
        ]
    )
    yield "Gini, 1.15M cells", own, None
    yield "  by pandas groupby", seconds(lambda: pandas_gini(frame)), own
    yield "  by PySAL, row by row", seconds(lambda: [Gini(r).g for r in rows]), own
    yield "eight measures, 1.15M cells", every, None
    yield "ranks of 1.15M cells", seconds(lambda: measures.rank(y)), None


def bench_vintages():
    """Making the synthetic panel; reading the public one from raw files and from the cache."""
    yield "synthetic panel", seconds(lambda: synthetic.panel.__wrapped__(1)), None
    if "public" not in vintages.available():
        return
    scratch = tempfile.mkdtemp()
    before = public.CACHE
    try:
        public.CACHE = Path(scratch)
        raw = seconds(lambda: [public.panel(c) for c in ("industries", "sectors")], 1)
        cached = seconds(lambda: [public.panel(c) for c in ("industries", "sectors")])
    finally:
        public.CACHE = before
        shutil.rmtree(scratch)
    yield "public panels from the cache", cached, None
    yield "  from the raw files", raw, cached


def bench_dynamics():
    """Local linear regression at 100 points of 5,054 zone-years with 500 draws of whole zones."""
    rng = np.random.default_rng(0)
    zone, x = np.repeat(np.arange(722), 7), rng.normal(size=5054)
    y, grid = np.sin(x) + rng.normal(size=5054), np.linspace(-2, 2, 100)
    counts, at = dynamics.cluster_draws(np.arange(722)), np.arange(5054).reshape(722, 7)

    def resampled(draws=10):
        for count in counts[:draws]:
            i = at[np.repeat(np.arange(722), count)].ravel()
            lowess(y[i], x[i], frac=0.3, it=0, xvals=grid)

    own = seconds(lambda: dynamics.local_linear(x, y, zone, grid, span=0.3)(counts))
    yield "local regression, 500 draws", own, None
    yield "  by statsmodels (10 timed)", 50 * seconds(resampled), own


def bench_persistence():
    """Rank persistence of 1.1 million cells, seven years, seven horizons, one convention."""
    rng = np.random.default_rng(0)
    y = rng.lognormal(size=(722, 228)) * rng.lognormal(size=(7, 722, 228))
    y[y < 0.3] = 0
    years, every = synthetic.YEARS, np.ones(228, dtype=bool)
    x = persistence.log_rank(y, every)

    def closed_form():
        """Double demeaning of each pair of years, the usual way."""
        for h in persistence.all_horizons(years):
            a, b = (
                np.stack(
                    [x[i] - x[i].mean(0) - x[i].mean(1, keepdims=True) + x[i].mean() for i in side]
                )
                for side in persistence.pairs(years, h).T
            )
            (a * b).sum() / (a * a).sum()

    own = seconds(lambda: persistence.persistence(persistence.log_rank(y, every), years))
    fit = seconds(lambda: persistence.persistence(x, years))
    yield "rank persistence, ranks and fit", own, None
    yield "  the fit alone, with errors", fit, None
    yield "  by closed form, pair by pair", seconds(closed_form), fit
    yield (
        "  by pyfixest",
        seconds(
            lambda: [persistence.two_way(x, years, h) for h in persistence.all_horizons(years)], 1
        ),
        fit,
    )


def bench_tradeoff():
    """The four columns with HC1, clustered, wild, Conley (7 cutoffs) and AKM errors."""
    panel = synthetic.panel()
    table, _ = tradeoff.design(panel, "income", 1950, 2020)

    def statsmodels_hc1():
        for outcome, first in tradeoff.COLUMNS.values():
            names = tradeoff.regressors(table, outcome, first)
            OLS(table[outcome], table[names].assign(const=1.0)).fit(cov_type="HC1").summary2()

    own = seconds(lambda: tradeoff.inference_table(panel, "income", [[1950, 2020]]))
    yield "four columns, six kinds of errors", own, None
    yield "  their design", seconds(lambda: tradeoff.design(panel, "income", 1950, 2020)), own
    yield "  HC1 alone, by statsmodels", seconds(statsmodels_hc1), own


def bench_inference():
    """Conley's errors at 20 cutoffs, AKM, BHJ and the wild bootstrap for 722 zones."""
    rng = np.random.default_rng(0)
    X, y = np.column_stack([np.ones(722), rng.normal(size=(722, 6))]), rng.normal(size=722)
    lat, lon, state = rng.uniform(30, 48, 722), rng.uniform(-120, -70, 722), np.arange(722) % 48
    W, g, names = rng.dirichlet(np.full(228, 0.1), 722), rng.normal(size=228), list("abcdefg")

    def double_loop():
        """One cutoff, pair by pair."""
        distance, scores = inference.great_circle(lat, lon), X * y[:, None]
        return sum(
            (1 - distance[i, j] / 300) * np.outer(scores[i], scores[j])
            for i in range(722)
            for j in range(722)
            if distance[i, j] < 300
        )

    conley = seconds(
        lambda: [inference.conley(X, y, lat, lon, km) for km in np.linspace(50, 1000, 20)]
    )
    yield "Conley, 722 zones, 20 cutoffs", conley, None
    yield "  by a double loop", 20 * seconds(double_loop, 1), conley
    akm = seconds(lambda: inference.akm(y, W, g, X[:, 1:]))
    yield "AKM, AKM0 and BHJ, 228 industries", akm, None
    wild = seconds(lambda: inference.wild_cluster(y, X[:, 1], X[:, 2:], state))
    model = OLS(y, pd.DataFrame(X, columns=names))
    yield "wild bootstrap", wild, None
    yield (
        "  the p value by wildboottest",
        seconds(lambda: wildboottest(model, B=999, cluster=state, param="b", show=False)),
        wild,
    )
    yield (
        "placebo, 500 regressions",
        seconds(lambda: inference.placebo(y, lat, lon, state, 300, 300, X[:, 1:]), 1),
        None,
    )


def main():
    """Print the table."""
    print(f"{'':<32}{'seconds':>10}{'ratio':>9}")
    for bench in (
        bench_measures,
        bench_vintages,
        bench_dynamics,
        bench_persistence,
        bench_tradeoff,
        bench_inference,
        bench_model.rows,
    ):
        for name, time_taken, base in bench():
            ratio = f"{time_taken / base:8.1f}x" if base else ""
            print(f"{name:<32}{time_taken:10.3f}{ratio:>9}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peak memory {peak:.0f} MiB; median of {REPEATS}; single process")


if __name__ == "__main__":
    main()
