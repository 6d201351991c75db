"""How the model's code is compiled, and where the machine code is kept."""

from pathlib import Path

from numba import config, njit

from ..store import CACHE, digest

KERNELS = (
    "parameters",
    "compiled",
    "conditions",
    "branches",
    "choice",
    "simulation",
    "bianchi",
    "cube",
)
"""Modules that hold compiled functions, or what these read."""

FOLDER = Path(getattr(config, "CACHE_DIR", "") or CACHE / "compiled") / digest(
    *(Path(__file__).with_name(f"{name}.py") for name in KERNELS)
)
"""Machine code of these texts. Numba alone would not see that a function called from another
module has changed, and go on with the old one."""

CHUNK = 8
"""Rows of nodes that a thread takes at a time: few, as some rows take longer than others."""


def jit(function=None, **options):
    """Compile a function once a machine; a division by zero gives inf or NaN, as in NumPy.

    Parameters
    ----------
    function : callable
    **options
        Of `numba.njit`.

    Returns
    -------
    The compiled function.

    Examples
    --------
    >>> from specialization.model.branches import odds    # made by `jit`
    >>> odds(0.1, 0.2)
    0.5
    """
    if function is None:
        return lambda f: jit(f, **options)
    before, config.CACHE_DIR = config.CACHE_DIR, str(FOLDER)
    try:
        return njit(cache=True, error_model="numpy", **options)(function)
    finally:
        config.CACHE_DIR = before
