"""Profiles of the property tests, and the panel that many tests share.

By default each property is tried on the same inputs every time. `make test-all` draws other ones
(`--hypothesis-profile random`), prints the seed at the top, and takes another number of examples
from HYPOTHESIS_EXAMPLES; `--hypothesis-seed=N` repeats a run.
"""

import os
import random

import environment
import pytest
from hypothesis import settings

# before a test imports NumPy and Matplotlib: one thread a worker, and none of a user's settings
os.environ.update(environment.SET, MPLBACKEND="agg")
for name in list(os.environ):
    if name.startswith(("GIT_", "NUMBA_", "JUPYTER_", "IPYTHON", "MATPLOTLIB", "PYTHONWARN")):
        del os.environ[name]

settings.register_profile("default", derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "random",
    derandomize=False,
    deadline=None,
    print_blob=True,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", 100)),
)
settings.load_profile("default")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Draw a seed where the inputs are to differ; every worker gets the same one."""
    if config.getoption("--hypothesis-profile") == "random":
        if config.getoption("--hypothesis-seed") in (None, "random"):
            config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_report_header(config):
    """Say how to repeat a run."""
    if config.getoption("--hypothesis-profile") == "random":
        return f"property tests: random inputs, --hypothesis-seed={config.option.hypothesis_seed}"


@pytest.fixture(scope="session")
def need():
    """Skips a test whose public files are not at hand."""
    from specialization.data import download, public

    def need(files=public.SOURCES):
        if not download.at_hand(files):
            pytest.skip("the public files are neither in the cache nor in SPECIALIZATION_MIRROR")

    return need


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A store of their own for the tests of a module; public files stay where they are."""
    from specialization import store

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "CACHE", tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="session")
def panel():
    """The synthetic panel."""
    from specialization.data import synthetic

    return synthetic.panel()
