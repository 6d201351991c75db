"""Time and memory of the library beside the usual alternative: `make bench`."""

import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from inequality.gini import Gini
from specialization import measures, public, synthetic, vintages

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
    every = seconds(lambda: [f(y) for f in (
        measures.gini, measures.hhi, measures.max_share, measures.theil, measures.krugman,
        lambda y: measures.gini(y, zeros=False),
        lambda y: measures.theil_decomposition(y, group),
        measures.revealed_comparative_advantage)])
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


def main():
    """Print the table."""
    print(f"{'':<32}{'seconds':>10}{'ratio':>9}")
    for bench in (bench_measures, bench_vintages):
        for name, time_taken, base in bench():
            ratio = f"{time_taken / base:8.1f}x" if base else ""
            print(f"{name:<32}{time_taken:10.3f}{ratio:>9}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peak memory {peak:.0f} MiB; median of {REPEATS}; single process")


if __name__ == "__main__":
    main()
