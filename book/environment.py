"""What programs of this project see of their user's environment, and how many cores they use.

The environment is made anew from what is listed here. All else is left out, as it may change how
code runs or prints, and no page, result or test may depend on it: settings of

- Python: PYTHONPATH, PYTHONSTARTUP, PYTHONOPTIMIZE, PYTHONINSPECT, PYTHONMALLOC ...;
- Jupyter, IPython, papermill and Sphinx: folders and files of settings, SOURCE_DATE_EPOCH;
- Matplotlib (MATPLOTLIBRC, MPLBACKEND), Numba, the linear algebra, PROJ and GDAL;
- pytest and hypothesis: PYTEST_ADDOPTS, HYPOTHESIS_STORAGE_DIRECTORY ...;
- Git (GIT_DIR), the shell (BASH_ENV, CDPATH), colours and pagers (FORCE_COLOR, PAGER);
- the locale and the time zone: LC_ALL, LANGUAGE, TZ.

`python -I book/environment.py ARGUMENTS` runs Python so; `make` starts every command that way.
Needs the standard library alone, since it runs before anything else is imported.
"""

import ast
import os
import subprocess
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
    "HYPOTHESIS_EXAMPLES": "how many inputs `make test-all` draws",
}
"""Variables that are left as they are, each with its use."""

PIP = {
    "index-url": "where packages are",
    "extra-index-url": "the same",
    "find-links": "the same",
    "no-index": "the same",
    "trusted-host": "how they are reached",
    "proxy": "the same",
    "cert": "the same",
    "client-cert": "the same",
    "timeout": "the same",
    "default-timeout": "the same",
    "retries": "the same",
    "cache-dir": "where they are kept",
    "no-cache-dir": "the same",
}
"""Settings of pip, from its variables and files, that are left as they are. All others (target,
user, prefix, constraint, no-deps, no-binary ...) would change what is installed, or where."""

FOLDERS = ("SPECIALIZATION_MIRROR", "SPECIALIZATION_CACHE", "SPECIALIZATION_BEA")
TEMPORARY = ("TMPDIR", "TMP", "TEMP")
"""Those that name a folder: absolute from the start, as kernels run in another one; the second
kind only where the folder can be used."""

TERMINAL = ("TERM", "COLUMNS")
"""Those that are no kernel's: a page has no terminal."""

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
    for name in TEMPORARY:
        if name in kept:
            kept[name] = str(Path(kept[name]).absolute())
            if not (os.path.isdir(kept[name]) and os.access(kept[name], os.W_OK | os.X_OK)):
                del kept[name]
    return kept | SET


def enter(arguments=None):
    """Start Python with these arguments, or this program again, in the clean environment, once."""
    if "clean" not in sys._xoptions:
        variables = clean(os.environ)
        if arguments and arguments[:2] == ["-m", "pip"]:
            variables |= of_pip(os.environ)
        command = [sys.executable, "-X", "clean", *(arguments or sys.orig_argv[1:])]
        os.execve(sys.executable, command, variables)


def of_pip(environment):
    """The settings of `PIP` as variables, from wherever pip finds them; no file is read again."""
    listed = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "config", "list"],
        # "user = true" would be read as "the user's file alone"
        env=dict(environment) | {"PIP_USER": "0", "PIP_GLOBAL": "0", "PIP_SITE": "0"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout
    found = {}
    # those of a command count more than global ones, and variables most
    rank = {"global": 0, "install": 1, ":env:": 2}
    settings = [line.partition("=") for line in listed.splitlines() if "=" in line]
    for name, _, value in sorted(settings, key=lambda s: rank.get(s[0].partition(".")[0], 0)):
        section, _, key = name.partition(".")
        if section in rank and key in PIP:
            text = " ".join(ast.literal_eval(value).split())  # a file has one entry a line
            found[f"PIP_{key.upper().replace('-', '_')}"] = text
    return found | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


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
    kept = {k: v for k, v in clean(environment).items() if k not in TERMINAL}
    return kept | {
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


if __name__ == "__main__":
    enter(sys.argv[1:])
