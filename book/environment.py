"""What the builder and its kernels see of their user's environment, and how many cores they use.

The environment is made anew from what is listed here. All else is left out: settings of Python
(PYTHONPATH, PYTHONSTARTUP, PYTHONOPTIMIZE, PYTHONWARNINGS, PYTHONIOENCODING ...), Jupyter and
IPython, Matplotlib (MATPLOTLIBRC, MPLBACKEND), Numba and the linear algebra, Git (GIT_DIR), PROJ
and GDAL, and the locale change how code runs or prints, and no page may depend on them. Needs the
standard library alone, since it runs before anything else is imported.
"""

import os
import sys
from pathlib import Path

KEPT = {
    "PATH": "where programs are",
    "HOME": "where a user's cache is",
    "USER": "who owns it",
    "LOGNAME": "who owns it",
    "XDG_CACHE_HOME": "where a user's cache is",
    "TMPDIR": "where temporary files may lie",
    "TMP": "the same",
    "TEMP": "the same",
    "LD_LIBRARY_PATH": "an interpreter may not start without it",
    "DYLD_LIBRARY_PATH": "the same on macOS",
    "TERM": "progress on a terminal",
    "COLUMNS": "its width",
    "HTTP_PROXY": "downloads",
    "HTTPS_PROXY": "downloads",
    "ALL_PROXY": "downloads",
    "NO_PROXY": "downloads",
    "http_proxy": "downloads",
    "https_proxy": "downloads",
    "all_proxy": "downloads",
    "no_proxy": "downloads",
    "SSL_CERT_FILE": "downloads",
    "SSL_CERT_DIR": "downloads",
    "REQUESTS_CA_BUNDLE": "downloads",
    "CI": "a stale stored result is an error there",
    "IPUMS_API_KEY": "a user's own extract",
    "SPECIALIZATION_OFFLINE": "no public data",
    "SPECIALIZATION_MIRROR": "where they lie",
    "SPECIALIZATION_CACHE": "where values are kept",
    "SPECIALIZATION_BEA": "where files of the BEA lie",
}
"""Variables that are left as they are, each with its use."""

FOLDERS = ("SPECIALIZATION_MIRROR", "SPECIALIZATION_CACHE", "SPECIALIZATION_BEA")
"""Those that name a folder: absolute from the start, as kernels run in another one."""

SET = {
    "PYTHONUTF8": "1",  # files, streams and arguments are UTF-8 in every locale
    "PYTHONHASHSEED": "0",  # the order of sets, and with it the last digit of sums
    "PYTHONNOUSERSITE": "1",  # packages of the lock alone
    # one thread: where the linear algebra splits its sums, last digits depend on the cores
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLIS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
"""Variables that are the same for everyone."""

STARTUP = """import logging
# a damaged file of the store is made again; the note on it belongs on no page
logging.getLogger("specialization").addHandler(logging.NullHandler())
"""


def clean(environment):
    """The variables of `KEPT`, with absolute folders, and those of `SET`."""
    kept = {k: v for k, v in environment.items() if k in KEPT and v}
    for name in FOLDERS:
        if name in kept:
            kept[name] = str(Path(kept[name]).expanduser().absolute())
    return kept | SET


def enter():
    """Start this program again in the clean environment, once."""
    if "clean" not in sys._xoptions:
        command = [sys.executable, "-X", "clean", *sys.orig_argv[1:]]
        os.execve(sys.executable, command, clean(os.environ))


def of_kernels(environment, root, folder, threads):
    """The environment of kernels: clean, with folders for Jupyter that nobody has set up.

    Parameters
    ----------
    environment : mapping
        That of the builder.
    root, folder : Path
        The project; an empty folder for the time of the build.
    threads : int
        Threads of compiled loops, whose results do not depend on their number.
    """
    startup = folder / "ipython" / "profile_default" / "startup" / "00.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(STARTUP, encoding="utf-8")
    return clean(environment) | {
        "JUPYTER_PATH": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "0",
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLCONFIGDIR": str(root / "_build" / "matplotlib"),
        "NUMBA_NUM_THREADS": str(threads),
    }


def cores(root=Path("/")):
    """Cores that this process may use: not those of the machine, but those of its affinity
    (`taskset`) and of the quota of its container (control groups of either version)."""
    try:
        here = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        here = os.cpu_count() or 1
    return min([here, *(max(1, int(quota)) for quota in _quotas(root))])


def _quotas(root):
    groups = root / "sys" / "fs" / "cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = {"", *(line.split(":", 2)[2].strip("/") for line in lines if line.count(":") >= 2)}
    folders = {
        folder
        for name in names
        for base in ("", "cpu", "cpu,cpuacct")
        for folder in [groups / base / name, *(groups / base / name).parents]
        if folder.is_relative_to(groups)
    }
    for folder in folders:
        for files in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
            try:
                quota, period = " ".join(
                    (folder / f).read_text(encoding="utf-8") for f in files
                ).split()
                if float(quota) > 0:
                    yield float(quota) / float(period)
            except (OSError, ValueError):  # no such file, or "max": no limit
                pass
