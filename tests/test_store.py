"""The store: what moves a key and what does not; files that are damaged or cannot be written."""

import importlib
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from specialization import store
from specialization.errors import DataError

ROOT = Path(__file__).parents[1]
SQUARES = '''"""Squares."""

from .base import ONE


def square(x, power=2, *, offset=0.0, progress=False, **more):
    """x to a power."""
    print("computed")
    return x**power + offset + ONE - 1, dict(more)      # ONE is 1
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A library of three modules, and a way to write one and get the function again."""
    root = tmp_path / "made_up"
    texts = {
        "__init__.py": "",
        "base.py": "ONE = 1\n",
        "other.py": "TWO = 2\n",
        "squares.py": SQUARES,
    }
    root.mkdir()
    monkeypatch.setattr(store, "PACKAGE", root)
    monkeypatch.setattr(store, "TABLES", tmp_path / "tables")
    monkeypatch.setattr(store, "CACHE", tmp_path / "cache")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "tables").mkdir()

    def write(**changes):
        for name, text in (texts | {f"{k}.py": v for k, v in changes.items()}).items():
            (root / name).write_text(text, encoding="utf-8")
        for name in [m for m in sys.modules if m.partition(".")[0] == "made_up"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        store._code_key.cache_clear()
        return importlib.import_module("made_up.squares").square

    yield write
    store._code_key.cache_clear()
    for name in [m for m in sys.modules if m.partition(".")[0] == "made_up"]:
        del sys.modules[name]


@pytest.fixture
def computed(package, capsys):
    """Whether a call computes its value, and does not take it from the store."""

    def call(function, *arguments, **options):
        store.kept(function, *arguments, **options)
        return "computed" in capsys.readouterr().out

    return call


# Code


@pytest.mark.parametrize(
    "module, text",
    [
        (
            "squares",
            SQUARES.replace("x to a power", "another docstring").replace("# ONE is 1", "#"),
        ),
        ("squares", SQUARES.replace("    print", "    # a line\n\n    print")),
        ("squares", SQUARES.replace("\n", "\r\n")),
        ("base", "# first\nONE = 1    # one\n"),
        ("base", '"""One."""\nONE = 1\n"""Says so."""\n'),
        ("other", "TWO = 3\n"),
    ],
)
def test_words_and_modules_not_imported_do_not_move_a_key(package, computed, module, text):
    assert computed(package(), 3)
    assert not computed(package(**{module: text}), 3)


@pytest.mark.parametrize(
    "module, text",
    [
        ("squares", SQUARES.replace("power=2", "power=3")),
        ("base", "ONE = 2\n"),
        ("base", "from .other import TWO\nONE = TWO\n"),
        ("base", '"""One."""; ONE = 2\n'),
    ],
)
def test_what_the_code_does_moves_the_key(package, computed, module, text):
    assert computed(package(), 3)
    assert computed(package(**{module: text}), 3)


@pytest.mark.parametrize(
    "line",
    [
        "from made_up.other import TWO",
        "from .other import TWO",
        "from . import other",
        "import made_up.other",
        "from made_up import other as o",
        "def f():\n    from . import other",
    ],
)
def test_every_way_to_import_a_module_counts(package, computed, line):
    assert computed(package(base=f"{line}\nONE = 1\n"), 3)
    assert computed(package(base=f"{line}\nONE = 1\n", other="TWO = 3\n"), 3)


@pytest.mark.parametrize(
    "line", ["from made_up import TWO", "from made_up import *", "import made_up"]
)
def test_a_name_that_the_package_takes_from_a_module_counts(package, line):
    keys = []
    for other in ("TWO = 2\n", "TWO = 3\n"):
        package(__init__="from .other import TWO\n", other=other)
        keys.append(store.code_key(*store.imports(line)))
    assert keys[0] != keys[1]


def test_tables_count_where_the_code_reads_some(package, computed):
    reads = "from specialization.store import TABLES\nONE = 1\n"
    (store.TABLES / "zones.csv").write_text("a\n1\n", encoding="utf-8")
    for base, moves in (("ONE = 1\n", False), (reads, True)):
        computed(package(base=base), 3)
        assert not computed(package(base=base), 3)
        (store.TABLES / ".zones.csv.swp").touch()
        assert not computed(package(base=base), 3)
        (store.TABLES / "zones.csv").write_text(f"a\n{base}\n", encoding="utf-8")
        assert computed(package(base=base), 3) == moves


BARE = '''"""Module."""
X = """a

  # no comment

"""     # a comment

class A: "says"; y = 1
def f(a="#"):
    r"""Says $γ$.

    More."""
    "again"; return f"{a:>{2}} # text" + 'é'; "end"
'''


def test_bare_keeps_what_runs_and_the_insides_of_texts():
    assert store.bare(BARE) == (
        'X = """a\n\n  # no comment\n\n"""\n\nclass A: ; y = 1\n'
        'def f(a="#"):\n    ; return f"{a:>{2}} # text" + \'é\';'
    ).replace('"""\n\nclass', '"""\nclass')


def interpreters():
    """Pythons of the supported range on this machine, by running them."""
    for version in ("3.11", "3.12", "3.13"):
        found = [
            shutil.which(f"python{version}"),
            *sorted(map(str, Path.home().glob(f".pyenv/versions/{version}*/bin/python3"))),
        ]
        for path in filter(None, found):
            done = subprocess.run(
                [path, "-c", "import sys; print(sys.version_info[:2])"],
                capture_output=True,
                text=True,
            )
            if done.stdout.strip() == str(tuple(map(int, version.split(".")))):
                yield version, path
                break


def test_code_has_the_same_key_in_every_python():
    # the functions alone: these interpreters have no packages
    source = (ROOT / "lib/specialization/store.py").read_text(encoding="utf-8")
    start, end = source.index("@lru_cache(maxsize=256)\ndef bare"), source.index("def code_key(")
    program = (
        "import ast, io, sys, tokenize, hashlib\nfrom functools import lru_cache\n"
        f"{source[start:end]}\n"
        "for path in sys.argv[1:]:\n"
        "    text = bare(open(path, encoding='utf-8').read())\n"
        "    print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    files = sorted((ROOT / "lib").rglob("*.py"))
    found = {
        version: subprocess.run(
            [path, "-X", "utf8", "-c", program, *map(str, files)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for version, path in interpreters()
    }
    assert found and len(set(found.values())) == 1, found.keys()
    here = [store.sha256(store.bare(f.read_text(encoding="utf-8")).encode()) for f in files]
    assert next(iter(found.values())).split() == here


# Arguments


def test_every_argument_and_default_is_in_the_key(package, computed):
    square = package()
    assert computed(square, 3)
    for same in (dict(power=2), dict(offset=0.0), dict(progress=True)):
        assert not computed(square, 3, **same)
    assert not computed(square, x=3)
    for other in (dict(power=3), dict(offset=0.5), dict(another=1), dict(another=2)):
        assert computed(square, 3, **other) and not computed(square, 3, **other)
    assert computed(square, 3.0) and computed(square, True)


@dataclass(frozen=True)
class Point:
    x: float
    y: np.ndarray


WIDE = pd.DataFrame(np.arange(400.0).reshape(2, 200)).add_prefix("column_")
TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


@pytest.mark.parametrize(
    "one, other",
    [
        (np.arange(3.0), np.arange(3)),
        (np.arange(4.0), np.arange(4.0).reshape(2, 2)),
        (np.array([0.0, 1.0]), np.array([0.0, 1.0 + 1e-15])),
        (np.arange(3), [0, 1, 2]),
        (TABLE, TABLE.rename(columns={"a": "c"})),
        (TABLE, TABLE.assign(a=[1.0, 2.0])),
        (TABLE, TABLE.set_axis([1, 0])),
        (TABLE, TABLE.rename_axis("zone")),
        (TABLE, TABLE[["b", "a"]]),
        (WIDE, WIDE.rename(columns={"column_100": "other"})),
        (TABLE["a"], TABLE["a"].rename("z")),
        (Point(1.0, np.ones(2)), Point(1.0, np.zeros(2))),
        (Point(1.0, np.ones(2)), (1.0, np.ones(2))),
        ({"a": 1}, {"a": "1"}),
        ([1, [2]], [[1], 2]),
        ("ab", b"ab"),
        (None, "None"),
        (0.0, -0.0),
    ],
)
def test_different_values_have_different_keys(one, other):
    assert store.digest(one) != store.digest(other)
    assert store.digest(one) == store.digest(one)


def test_equal_values_have_one_key():
    assert store.digest({"a": 1, "b": 2}) == store.digest({"b": 2, "a": 1})
    assert store.digest({3, 1, 2}) == store.digest({2, 3, 1})
    a = np.arange(6.0).reshape(2, 3)
    assert store.digest(a) == store.digest(np.asfortranarray(a))
    assert store.digest(np.float64(0.1)) == store.digest(0.1)


def test_a_path_counts_by_its_content(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("1")
    first = store.digest(file)
    os.utime(file, (1, 1))
    assert store.digest(file) == first
    file.write_text("2")
    assert store.digest(file) != first
    with pytest.raises(DataError, match="b.csv cannot be read"):
        store.digest(tmp_path / "b.csv")


def test_what_no_key_can_describe_is_refused(package):
    with pytest.raises(DataError, match="store: a function cannot be part of a key"):
        store.kept(package(), len and (lambda: 1))
    with pytest.raises(DataError, match="a generator cannot"):
        store.digest(x for x in ())
    with pytest.raises(DataError, match="an? ndarray cannot"):
        store.digest(np.array([object()]))
    with pytest.raises(DataError, match="is not the library's"):
        store.kept(os.path.join, "a")


# Files


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: b"",
        lambda c: c[:40],
        lambda c: c[:-1],
        lambda c: c[:-1] + bytes([c[-1] ^ 1]),
        lambda c: b"x" + c,
    ],
)
def test_a_damaged_file_is_made_again_with_a_note(package, computed, caplog, damage):
    square = package()
    assert computed(square, 3)
    (file,) = (store.CACHE / "store").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING):
        assert computed(square, 3)
    assert f"{file} is damaged; its value is made again" in caplog.text
    assert file.read_bytes() == whole and not computed(square, 3)


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, lambda p: (p.mkdir(), (p / "x").touch())])
def test_what_lies_in_the_place_of_a_file_is_cleared_away(package, computed, put):
    square = package()
    assert computed(square, 3)
    (file,) = (store.CACHE / "store").iterdir()
    file.unlink()
    put(file)
    assert computed(square, 3) and not computed(square, 3)


def test_a_file_that_cannot_be_unpickled_is_made_again(package, computed):
    square = package()
    computed(square, 3)
    (file,) = (store.CACHE / "store").iterdir()
    content = b"cnowhere\nNothing\n."
    file.write_bytes(store.sha256(content).encode() + content)
    assert computed(square, 3) and not computed(square, 3)


def test_the_first_value_is_the_one_that_later_calls_get(package):
    text = "import numpy as np\n\ndef square(x):\n    return np.ones((3, 4))[:, ::2].T\n"
    square = package(squares=text)
    first, later = store.kept(square, 3), store.kept(square, 3)
    assert first.strides == later.strides


def test_a_full_disk_is_one_sentence(package, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\); free"):
        store.kept(package(), 3)
    assert list((store.CACHE / "store").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_one_sentence_before_any_work(package, capsys):
    store.CACHE.write_text("a file where a folder should be")
    with pytest.raises(DataError, match="cannot be written .*SPECIALIZATION_CACHE"):
        store.kept(package(), 3)
    assert "computed" not in capsys.readouterr().out


def test_processes_that_write_at_once_leave_one_whole_file(tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom specialization import store\n"
        "for n in range(40):\n"
        "    store.write(Path(sys.argv[1]), sys.argv[2].encode() * 100_000)\n"
    )
    target = tmp_path / "value"
    running = [
        subprocess.Popen([sys.executable, "-c", program, target, letter]) for letter in "ab"
    ]
    while any(p.poll() is None for p in running):
        if target.exists():
            content = target.read_bytes()
            assert len(content) == 100_000 and len(set(content)) == 1
    assert [p.returncode for p in running] == [0, 0]
    assert [p.name for p in tmp_path.iterdir()] == ["value"]


def test_the_cache_that_a_variable_names_is_absolute(tmp_path):
    program = "from specialization import store; print(store.CACHE)"
    for named, found in (("here", tmp_path / "here"), ("~/there", Path.home() / "there")):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            text=True,
            check=True,
            capture_output=True,
            env=os.environ | {"SPECIALIZATION_CACHE": named},
        )
        assert done.stdout.strip() == str(found)


@pytest.mark.parametrize("named", ["", " "])
def test_a_blank_variable_names_no_folder(monkeypatch, named):
    monkeypatch.setenv("SPECIALIZATION_CACHE", named)
    assert store.named_folder("SPECIALIZATION_CACHE") is None
