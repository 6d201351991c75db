"""The builder under the environments of its users: none may change or break a page."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import build
import environment
import pages
import pytest
from test_build import chapter_text

BOOK = Path(build.__file__).parent
CODE = """import locale, logging, os, sys, warnings
import matplotlib
import matplotlib.pyplot as plt
import numba
from specialization import store
fig, ax = plt.subplots(figsize=(2, 2))
ax.plot([1, 2], label="é θ")
ax.legend()
fig.savefig(WHERE + "/figure.png", metadata={"Software": None})
plt.close(fig)
open(WHERE + "/written.txt", "w").write("é θ")
logging.getLogger("specialization.store").warning("a damaged file")
print(sorted({"b", "a", "é"}, key=hash), sys.flags.optimize, sys.flags.dev_mode, __debug__)
print(matplotlib.rcParams["text.usetex"], matplotlib.get_backend(), "planted" in sys.modules)
print(numba.config.DISABLE_JIT, store.CACHE.is_absolute(), store.CACHE.name)
print(os.path.isabs(os.environ.get("SPECIALIZATION_MIRROR", "/")), warnings.filters[:0])
print("DİI".lower() == "di\u0307i", os.listdir(), "" in sys.path, sys.dont_write_bytecode)
print({k for k in os.environ if k.startswith(("NUMBA_T", "NO_C", "COL", "TMP"))})
@numba.njit
def one():
    return 1
print(one(), one.signatures, numba.get_num_threads(), __import__("tempfile").gettempdir())
"""
START = """import os, sys
sys.path.insert(0, {book!r})
import environment
environment.enter()
import build
from pathlib import Path
root = Path({root!r})
build.execute([build.make_job(root, "01_a", {{"synthetic": "seeded"}})])
"""
PLANTED = "import sys; sys.modules['planted'] = sys; print('planted')\n"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Execute a chapter in a process with these variables; its cells and its figure."""
    root = tmp_path_factory.mktemp("hostile") / "a project"
    for name, text in {
        "_toc.yml": "root: intro\nchapters:\n- file: notebooks/01_a\n",
        "_config.yml": "title: t\n",
        "requirements.lock": "numpy==1\n",
        "notebooks/01_a.md": chapter_text(CODE.replace("WHERE", repr(str(root)))),
        "data/table.csv": "a\n1\n",
        "book/intro.md": "# t\n",
        "start/go.py": START.format(book=str(BOOK), root=str(root)),
    }.items():
        pages.write(root / name, text)
    # what a user may have set up: each of these breaks something, or says so
    home = root / "home"
    planted = {
        "usercustomize.py": PLANTED,
        "sitecustomize.py": PLANTED,
        "startup.py": PLANTED,
        "numpy.py": "raise ImportError('planted')\n",
        "matplotlibrc": "text.usetex: True\nbackend: TkAgg\n",
        ".config/matplotlib/matplotlibrc": "text.usetex: True\n",
        ".ipython/profile_default/startup/00.py": PLANTED,
        ".ipython/profile_default/ipython_config.py": (
            "c.InteractiveShellApp.exec_lines = ['print(\"planted\")']\n"
        ),
        ".jupyter/jupyter_config.json": '{"KernelManager": {"shutdown_wait_time": 1}}',
        ".local/share/jupyter/kernels/python3/kernel.json": json.dumps(
            {"argv": ["/nowhere"], "display_name": "x", "language": "python"}
        ),
        ".numba_config.yaml": "disable_jit: 1\n",
        "ipython_config.py": "c.InteractiveShellApp.exec_lines = ['print(\"planted\")']\n",
        "ipython_kernel_config.py": "c.IPKernelApp.exec_lines = ['print(\"planted\")']\n",
        "jupyter_config.json": '{"KernelManager": {"shutdown_wait_time": 1}}',
        "docutils.conf": "[general]\nhalt_level: 1\n",
        "random.py": "raise ImportError('planted')\n",
    }
    for name, text in planted.items():
        pages.write(home / name, text)
        if "/" not in name:  # and what lies beside the chapters, or in the project's folder
            pages.write(root / "notebooks" / name, text)
            pages.write(root / name, text)

    def run(**variables):
        variables = {k: v.replace("HOME", str(home)) for k, v in variables.items()}
        process = subprocess.run(
            [sys.executable, root / "start" / "go.py"],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": str(home)} | variables,
        )
        assert process.returncode == 0, process.stderr.decode(errors="replace")[-3000:]
        executed = json.loads((root / "book/notebooks/01_a.ipynb").read_text(encoding="utf-8"))
        assert (root / "written.txt").read_text(encoding="utf-8") == "é θ"
        return executed["cells"], (root / "figure.png").read_bytes()

    return run


HOSTILE = {
    "settings": {
        "PYTHONPATH": "HOME",
        "PYTHONSTARTUP": "HOME/startup.py",
        "PYTHONOPTIMIZE": "2",
        "PYTHONWARNINGS": "error",
        "PYTHONDEVMODE": "1",
        "PYTHONHASHSEED": "7",
        "MATPLOTLIBRC": "HOME/matplotlibrc",
        "MPLBACKEND": "TkAgg",
        "MPLCONFIGDIR": "HOME",
        "NUMBA_DISABLE_JIT": "1",
        "NUMBA_DEBUG": "1",
        "OMP_NUM_THREADS": "64",
        "OPENBLAS_CORETYPE": "Prescott",
        "MKL_NUM_THREADS": "x",
        "JUPYTER_CONFIG_DIR": "HOME/.jupyter",
        "IPYTHONDIR": "HOME/.ipython",
        "JUPYTER_DATA_DIR": "HOME/.local/share/jupyter",
        "JUPYTER_PATH": "HOME",
        "JUPYTER_RUNTIME_DIR": "/nowhere",
        "JPY_PARENT_PID": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "GIT_DIR": "/nowhere",
        "PIP_TARGET": "/nowhere",
        "PROJ_DATA": "/nowhere",
        "XDG_CONFIG_HOME": "HOME/.config",
        "XDG_RUNTIME_DIR": "/nowhere",
    },
    "latin 1": {
        "PYTHONSAFEPATH": "1",
        "LC_ALL": "en_US.ISO-8859-1",
        "LANG": "en_US.ISO-8859-1",
        "PYTHONIOENCODING": "latin-1",
        "PYTHONUTF8": "0",
        "SPECIALIZATION_CACHE": "cache",
        "SPECIALIZATION_MIRROR": "mirror",
    },
    "ascii": {
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "LANGUAGE": "de",
        "PYTHONIOENCODING": "ascii",
        "TZ": "Asia/Tokyo",
    },
    "turkish": {
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "tr_TR.UTF-8",
        "HOME": "/nowhere",
        "TMPDIR": "/nowhere",
        "TMP": "notebooks/01_a.md",
        "XDG_CACHE_HOME": "/nowhere",
        "PYTHONINSPECT": "1",
        "PYTHONBREAKPOINT": "nowhere.debug",
        "PYTHONTRACEMALLOC": "5",
        "PYTHONMALLOC": "debug",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONNODEBUGRANGES": "1",
        "PYTHONPROFILEIMPORTTIME": "1",
        "PYTHON_GIL": "1",
        "PYTHONINTMAXSTRDIGITS": "640",
        "PYDEVD_DISABLE_FILE_VALIDATION": "0",
        "NUMBA_NUM_THREADS": "abc",
        "NUMBA_THREADING_LAYER": "tbb",
        "NUMBA_CACHE_DIR": "/nowhere",
        "NUMBA_OPT": "0",
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_WARNINGS": "1",
        "OMP_NUM_THREADS": "0",
        "OMP_PROC_BIND": "true",
        "OMP_STACKSIZE": "1",
        "KMP_AFFINITY": "verbose",
        "GOTO_NUM_THREADS": "x",
        "OPENBLAS_VERBOSE": "2",
        "OPENBLAS_MAIN_FREE": "1",
        "NPY_DISABLE_CPU_FEATURES": "AVX2",
        "NPY_PROMOTION_STATE": "legacy",
        "MALLOC_PERTURB_": "7",
        "SCIPY_ARRAY_API": "1",
        "TERM": "dumb",
        "COLUMNS": "7",
        "LINES": "3",
        "NO_COLOR": "1",
        "FORCE_COLOR": "3",
        "CLICOLOR_FORCE": "1",
        "PY_COLORS": "1",
        "PYTHON_COLORS": "1",
        "PAGER": "false",
        "GIT_PAGER": "false",
        "EDITOR": "false",
        "DISPLAY": ":99",
        "WAYLAND_DISPLAY": "x",
        "QT_API": "nowhere",
        "SOURCE_DATE_EPOCH": "0",
        "BASH_ENV": "/nowhere",
        "ENV": "/nowhere",
        "CDPATH": "/",
        "PYTEST_ADDOPTS": "--nowhere",
        "PANDAS_FUTURE_INFER_STRING": "0",
        "TQDM_DISABLE": "1",
        "IPYTHON_SUPPRESS_CONFIG_ERRORS": "0",
        "PYTHONCASEOK": "1",
    },
}


@pytest.fixture(scope="module")
def plain(page):
    """The chapter as it is where nothing is set up."""
    return page()


def test_the_page_of_reference_is_what_it_should_be(plain):
    (said,) = plain[0][-1]["outputs"]
    assert said["name"] == "stdout"  # and nothing on stderr
    order, *lines = "".join(said["text"]).splitlines()
    assert order.endswith("] 0 False True")
    assert lines == [
        "False module://matplotlib_inline.backend_inline False",
        "0 True cache",
        "True []",
        "True [] False False",
        "set()",
        f"1 [()] {environment.cores()} {tempfile.gettempdir()}",
    ]


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_environment_changes_or_breaks_a_page(page, plain, kind):
    assert page(**HOSTILE[kind]) == plain


# What reaches the builder


def test_the_clean_environment_is_a_list():
    names = {
        "PATH": "p",
        "PYTHONPATH": "x",
        "NUMBA_X": "1",
        "LC_ALL": "C",
        "CI": "true",
        "SPECIALIZATION_MIRROR": "a b",
        "SPECIALIZATION_CACHE": "~/c",
        "GIT_DIR": ".",
        "HTTPS_PROXY": "",
        "OMP_NUM_THREADS": "8",
    }
    assert environment.clean(names) == environment.SET | {
        "PATH": "p",
        "CI": "true",
        "SPECIALIZATION_MIRROR": str(Path.cwd() / "a b"),
        "SPECIALIZATION_CACHE": str(Path.home() / "c"),
    }
    once = environment.clean(names)
    assert environment.clean(once) == once
    assert all(environment.KEPT.values())


def test_the_program_answers_under_hostile_variables(tmp_path):
    done = subprocess.run(
        [sys.executable, BOOK / "build.py", "01_data", "θ=x"],
        cwd=tmp_path,
        capture_output=True,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONSAFEPATH": "1",
            "PYTHONUTF8": "0",
            "LC_ALL": "C",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONIOENCODING": "ascii",
        },
    )
    assert done.returncode == 1
    assert done.stderr.decode("utf-8").startswith("error: 01_data.md has no parameter 'θ'; valid")


PIP_CONF = """[global]
index-url = https://a.example/simple
extra-index-url = https://b.example
    https://c.example
user = true
require-virtualenv = true
timeout = 3
[install]
target = /nowhere
no-deps = true
timeout = 4
"""


def test_pip_finds_packages_where_its_user_says_and_installs_them_here(tmp_path):
    pages.write(tmp_path / "pip.conf", PIP_CONF)
    named = {"PIP_PREFIX": "/nowhere", "PIP_RETRIES": "9"}
    found = environment.of_pip(named | {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
    of_the_machine = ("PIP_CERT", "PIP_FIND_LINKS", "PIP_CACHE_DIR", "PIP_TRUSTED_HOST")
    assert {k: v for k, v in found.items() if k not in of_the_machine} == {
        "PIP_INDEX_URL": "https://a.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://b.example https://c.example",
        "PIP_TIMEOUT": "4",
        "PIP_RETRIES": "9",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


# Cores


@pytest.mark.parametrize(
    "files, found",
    [
        ({}, 8),
        ({"sys/fs/cgroup/cpu.max": "max 100000"}, 8),
        ({"sys/fs/cgroup/cpu.max": "200000 100000"}, 2),
        ({"sys/fs/cgroup/cpu.max": "50000 100000"}, 1),
        ({"sys/fs/cgroup/cpu.max": "1600000 100000"}, 8),
        ({"sys/fs/cgroup/cpu.max": "?"}, 8),
        (
            {
                "proc/self/cgroup": "0::/user/job",
                "sys/fs/cgroup/user/job/cpu.max": "max 100000",
                "sys/fs/cgroup/user/cpu.max": "350000 100000",
            },
            3,
        ),
        (
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/1",
                "sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us": "100000",
                "sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us": "100000",
            },
            1,
        ),
        (
            {
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            8,
        ),
    ],
)
def test_cores_are_those_of_the_container(tmp_path, monkeypatch, files, found):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for name, text in files.items():
        pages.write(tmp_path / name, text + "\n")
    assert environment.cores(tmp_path) == found


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_cores_are_those_of_the_affinity():
    program = (
        f"import os, sys; sys.path.insert(0, {str(BOOK)!r}); import environment\n"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "print(environment.cores())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "1\n"
