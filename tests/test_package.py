"""The library as others install it: what travels, what its names say, and the README's script."""

import doctest
import importlib
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from docutils.core import publish_doctree
from specialization import measures
from sphinx.ext import napoleon

ROOT = Path(__file__).parents[1]
ROOMS = (
    "specialization",
    "specialization.data",
    "specialization.facts",
    "specialization.model",
    "specialization.report",
)
SLOW_TO_IMPORT = {
    "quantecon",
    "pyfixest",
    "geopandas",
    "ipumspy",
    "matplotlib",
    "requests",
    "myst_nb",
    "linearmodels",
}


def clean(**variables):
    """An environment in which only an installed package can be found."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "SPECIALIZATION"))}
    return kept | {"PYTHONUTF8": "1"} | variables


def python(*arguments, cwd, **variables):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        env=clean(**variables),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


# What travels


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and archive of a checkout whose folders are full of what must not travel."""
    root = tmp_path_factory.mktemp("a checkout") / "project"
    left = shutil.ignore_patterns("cache", "ipums", "__pycache__", ".*")
    for folder in ("lib", "data"):
        shutil.copytree(ROOT / folder, root / folder, ignore=left)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    for name in (
        "data/cache/raw/a.csv",
        "data/ipums/usa_00001.csv",
        "data/ipums/usa_00001.dat.gz",
        "data/usa_00002.xml",
        "data/.DS_Store",
        "data/zones.csv~",
        "lib/.env",
        "lib/specialization/__pycache__/store.pyc",
        "lib/specialization/.store.py.swp",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("private", encoding="utf-8")
    python("-m", "hatchling", "build", "-d", "dist", cwd=root)
    return root


def test_the_wheel_holds_the_library_its_tables_and_nothing_else(built):
    with zipfile.ZipFile(next((built / "dist").glob("*.whl"))) as wheel:
        names = {n for n in wheel.namelist() if ".dist-info/" not in n}
    library = {p.relative_to(ROOT / "lib").as_posix() for p in (ROOT / "lib").rglob("*.py")}
    kept = {"csv", "toml", "json"}
    tables = {
        f"specialization/tables/{p.relative_to(ROOT / 'data').as_posix()}"
        for folder in ("data", "data/results")
        for p in (ROOT / folder).iterdir()
        if p.suffix[1:] in kept and not p.name.startswith(".")
    }
    assert names == library | tables


def test_the_archive_holds_no_data_of_users(built):
    with tarfile.open(next((built / "dist").glob("*.tar.gz"))) as archive:
        names = [n.partition("/")[2] for n in archive.getnames()]
    assert {"pyproject.toml", "README.md", "LICENSE", "data/zones.csv"} <= set(names)
    assert [
        n
        for n in names
        if n.startswith(("data/cache", "data/ipums/", "data/usa"))
        or Path(n).suffix not in {".py", ".csv", ".toml", ".json", ".md", ""}
    ] == []


# The script of the README


def script():
    """The script of the README, and what the README says it prints."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code, printed = re.search(r"```python\n(.*?)```\n.*?```text\n(.*?)```", text, re.S).groups()
    return code, printed


def test_the_script_of_the_readme_runs_where_the_library_was_installed(built, tmp_path):
    wheel = next((built / "dist").glob("*.whl"))
    site, empty = tmp_path / "a site", tmp_path / "empty"
    empty.mkdir()
    python(
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        site,
        wheel,
        cwd=empty,
        PIP_CONFIG_FILE=os.devnull,
        PIP_USER="0",
    )
    code, printed = script()
    code += "import specialization; print(specialization.__file__)\n"
    # the cache is a folder of this test: nothing that was kept earlier answers
    output = python(
        "-P",
        "-c",
        f"import sys; sys.path.insert(0, {str(site)!r})\n{code}",
        cwd=empty,
        SPECIALIZATION_CACHE=str(tmp_path / "cache"),
    )
    *lines, place = output.splitlines()
    assert Path(place).is_relative_to(site)
    assert lines == printed.splitlines()
    assert list(empty.iterdir()) == []


def test_the_script_of_the_readme_is_ten_lines_of_public_names():
    lines = [line for line in script()[0].splitlines() if line.strip()]
    assert len(lines) <= 12 and max(map(len, lines)) <= 99
    assert not any(" specialization." in line for line in lines)


# Names


def public():
    """Every function and class that a room offers: its name there, and itself."""
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            yield f"{room}.{name}", getattr(module, name)


CALLABLES = {
    name: x
    for x, name in {
        x: name for name, x in public() if inspect.isfunction(x) or inspect.isclass(x)
    }.items()
}  # each once, by its room
MODULES = sorted(
    ".".join(p.relative_to(ROOT / "lib").with_suffix("").parts)
    for p in (ROOT / "lib").rglob("*.py")
    if not p.name.startswith("__")
)
FUNCTIONS = {name: x for name, x in CALLABLES.items() if inspect.isfunction(x)}


def test_importing_the_library_loads_nothing_slow(tmp_path):
    code = "import sys, specialization; print(*{m.split('.')[0] for m in sys.modules})"
    assert not SLOW_TO_IMPORT & set(python("-c", code, cwd=tmp_path).split())


def test_all_names_what_is_there_once():
    for room in ROOMS:
        module = importlib.import_module(room)
        assert len(set(module.__all__)) == len(module.__all__), room
        assert {n for n in module.__all__ if not hasattr(module, n)} == set(), room


def test_the_page_of_the_library_lists_every_name():
    page = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\.\. auto(?!module)\w+:: (?:[\w.]*\.)?(\w+)$", page, re.M))
    offered = {name.rpartition(".")[2] for name, _ in public()}
    assert offered - listed - set(vars(measures)) == set()


def test_no_name_of_a_room_hides_one_of_its_modules():
    for room in ROOMS:
        module = importlib.import_module(room)
        files = {p.stem for p in Path(module.__file__).parent.glob("*.py")}
        assert not files & set(module.__all__), room


def sections(x):
    """Titles of the sections of a docstring in the style of NumPy."""
    return set(re.findall(r"^(\w[\w ]*)\n-{3,}$", inspect.getdoc(x) or "", re.M))


@pytest.mark.parametrize("name", CALLABLES)
def test_public_names_have_a_docstring_with_an_example(name):
    x = CALLABLES[name]
    if inspect.isclass(x) and issubclass(x, Exception):
        assert inspect.getdoc(x), f"{name}: no docstring"
        return
    there = sections(x)
    assert "Examples" in there, f"{name}: its docstring has no Examples"
    if inspect.isfunction(x):
        assert "Returns" in there, f"{name}: its docstring has no Returns"
        if inspect.signature(x).parameters:
            assert "Parameters" in there, f"{name}: its docstring has no Parameters"
    assert ">>> " in inspect.getdoc(x), f"{name}: its Examples hold no >>>"


SOLVING = ("calibration", "building", "regions", "simulation", "planner", "three", "readings")
"""Rooms whose examples solve many small economies: tens of seconds together."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name.endswith(SOLVING) else name
        for name in MODULES
    ],
)
def test_examples_of_docstrings_run(name, capsys):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failed == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", CALLABLES)
def test_public_docstrings_can_be_set_as_a_page(name):
    config = napoleon.Config(
        napoleon_google_docstring=False, napoleon_use_rtype=False, napoleon_use_ivar=True
    )  # docutils knows no directive of Sphinx
    text = str(napoleon.NumpyDocstring(inspect.getdoc(CALLABLES[name]) or "", config))
    said = io.StringIO()
    publish_doctree(text, settings_overrides={"warning_stream": said, "report_level": 2})
    assert said.getvalue() == "", f"{name}: {said.getvalue()}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_say_the_types_of_their_arguments(name):
    signature = inspect.signature(FUNCTIONS[name])
    bare = [
        p.name
        for p in signature.parameters.values()  # options are another function's
        if p.annotation is p.empty and p.kind is not p.VAR_KEYWORD
    ]
    assert bare == [], f"{name}: no type for {', '.join(bare)}"
    assert signature.return_annotation is not signature.empty, f"{name}: no type of its value"


def test_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['version']}\n" in cited
