"""The one store: values kept between runs, under a key of all that they depend on.

A value's key follows from the function that made it: the text of its module and of all modules of
the library that this one imports, without comments and docstrings; its arguments, defaults
included; versions of Python and of the packages that compute. Files are written whole or not at
all, and checked when they are read.
"""

import ast
import contextlib
import dataclasses
import hashlib
import importlib.metadata
import inspect
import io
import logging
import os
import pickle
import shutil
import sys
import tokenize
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import DataError

PACKAGE = Path(__file__).resolve().parent

CHECKOUT = PACKAGE.parents[1]
"""The project's folder, where the library runs from one."""

TABLES = PACKAGE / "tables"
"""Small tables: manifest, published numbers, stored results; in a checkout its folder data."""

if not TABLES.exists():
    TABLES = CHECKOUT / "data"

VERSIONED = ("numpy", "scipy", "pandas", "numba", "statsmodels", "quantecon", "pyfixest")
"""Packages whose versions are in every key: they compute the values, or keep them."""

UNKEYED = ("progress",)
"""Arguments that change what is seen, not what is computed."""


def named_folder(variable):
    """The folder that an environment variable names, a relative one from where the process
    started; None where it is not set or blank."""
    if not (named := os.environ.get(variable, "")).strip():
        return None
    return Path(START, os.path.expanduser(named))


START = os.getcwd()


def _cache():
    if folder := named_folder("SPECIALIZATION_CACHE"):
        return folder
    if TABLES == CHECKOUT / "data":
        return TABLES / "cache"
    import pooch  # slow to import, and not needed in a checkout

    return Path(pooch.os_cache("specialization"))


CACHE = _cache()
"""Downloads, panels and solutions: safe to delete. In a checkout data/cache, else the user's."""

IPUMS = (TABLES if TABLES == CHECKOUT / "data" else CACHE) / "ipums"
"""Where a user's own IPUMS extract lies."""


# Code


def module_file(name):
    """File of a module or package of the library, by dotted name; None if there is none."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if name.split(".")[0] == PACKAGE.name and file.is_file():
            return file
    return None


def imports(source, package=""):
    """Modules of the library that a text imports, by dotted name.

    `package` is that of the text, for relative imports. A name that a package takes from one of
    its modules counts as an import of that module.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if module_file(a.name)}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            origin = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            found |= {x for a in node.names for x in _origin(origin, a.name)}
    return found


def _origin(module, name):
    # the module that holds `name` of `module`: a submodule, or what a package takes it from
    file = module_file(module)
    if name != "*" and module_file(f"{module}.{name}"):
        return {f"{module}.{name}"}
    if file is None:
        return set()
    if file.name == "__init__.py":
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and name in [
                a.asname or a.name for a in node.names
            ]:
                inner = ".".join([module] * (node.level > 0) + [node.module or ""]).rstrip(".")
                real = next(a.name for a in node.names if name == (a.asname or a.name))
                return _origin(inner, real)
    return {module}


def dependencies(*modules):
    """These modules of the library and all that they import, directly or not."""
    found, todo = set(), list(modules)
    while todo:
        name = todo.pop()
        if name not in found and (file := module_file(name)):
            found.add(name)
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            todo += imports(file.read_text(encoding="utf-8"), package)
    return found


@lru_cache(maxsize=256)
def bare(source):
    """A Python text without comments, docstrings and blank lines: what it does, not what it says.

    The same in every version of Python, as no syntax tree would be.
    """
    lines, verbatim, f_string = source.split("\n"), set(), []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (row, column), (last, _) = token.start, token.end
        kind = tokenize.tok_name[token.type]
        if kind == "COMMENT":
            lines[row - 1] = lines[row - 1][:column]
        elif kind == "FSTRING_START":  # from Python 3.12 on, in pieces
            f_string.append(row)
        elif kind in ("STRING", "FSTRING_END"):
            start = f_string.pop() if kind == "FSTRING_END" else row
            verbatim |= {*range(start - 1, last - 1)}
    said = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    for node in sorted(said, key=lambda n: (n.lineno, n.col_offset), reverse=True):
        # a string that stands alone says something, and does nothing
        first, last = node.lineno - 1, node.end_lineno - 1
        before = lines[first].encode()[: node.col_offset].decode()
        after = lines[last].encode()[node.end_col_offset :].decode()
        lines[first : last + 1] = [before + after] + [""] * (last - first)
        verbatim -= {*range(first, last)}
    return "\n".join(
        line if n in verbatim else line.rstrip()
        for n, line in enumerate(lines)
        if n in verbatim or line.strip()
    )


def code_key(*modules):
    """Hash of what these modules, and all that they import, do."""
    return digest(
        *(
            (name, bare(module_file(name).read_text(encoding="utf-8")))
            for name in sorted(dependencies(*modules))
        )
    )


@lru_cache
def _code_key(module):
    # with the tables, where the code reads some
    named = any(
        "TABLES" in bare(module_file(name).read_text(encoding="utf-8"))
        for name in dependencies(module)
        if name != __name__
    )
    return digest(code_key(module), *(tables() if named else []))


def tables():
    """Files of `TABLES` that the library reads, without stored results and downloads."""
    return sorted(
        p
        for p in TABLES.iterdir()
        if p.suffix in (".csv", ".toml") and p.stem.isidentifier()  # no copies of editors
    )


# Values


def sha256(content):
    """Hexadecimal sha256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def digest(*parts):
    """Short hash of values: numbers, texts, arrays, tables, dataclasses, files (by content), and
    containers of these. `DataError` for anything else."""
    total = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            total.update(len(piece).to_bytes(8, "little") + piece)
    return total.hexdigest()[:24]


def _pieces(x):
    if isinstance(x, np.generic):
        x = x.item()
    if x is None or isinstance(x, bool | int | float | str | bytes):
        yield type(x).__name__.encode()
        yield x if isinstance(x, bytes) else repr(x).encode()
    elif isinstance(x, np.ndarray) and x.dtype != object:
        yield f"array {x.dtype} {x.shape}".encode()
        yield np.ascontiguousarray(x).tobytes()
    elif isinstance(x, pd.DataFrame | pd.Series | pd.Index):
        yield type(x).__name__.encode()
        names = [*x.columns] if isinstance(x, pd.DataFrame) else [x.name]
        kinds = [*x.dtypes] if isinstance(x, pd.DataFrame) else [x.dtype]
        index = x if isinstance(x, pd.Index) else x.index
        yield repr((names, [*map(str, kinds)], [*index.names], str(index.dtype))).encode()
        yield pd.util.hash_pandas_object(x).to_numpy().tobytes()
    elif isinstance(x, Path):
        yield x.name.encode()
        try:
            with x.open("rb") as file:  # extracts are larger than memory
                yield hashlib.file_digest(file, "sha256").digest()
        except OSError as error:
            raise DataError(f"{x} cannot be read ({error.strerror or error})") from error
    elif dataclasses.is_dataclass(x) and not isinstance(x, type):
        yield type(x).__name__.encode()
        yield from _pieces({f.name: getattr(x, f.name) for f in dataclasses.fields(x)})
    elif isinstance(x, dict):
        yield f"dict {len(x)}".encode()
        for key in sorted(x, key=repr):
            yield from (*_pieces(key), *_pieces(x[key]))
    elif isinstance(x, list | tuple | set | frozenset):
        yield f"sequence {len(x)}".encode()
        for item in sorted(x, key=repr) if isinstance(x, set | frozenset) else x:
            yield from _pieces(item)
    else:
        raise DataError(
            f"store: a {type(x).__name__} cannot be part of a key; valid: numbers, "
            "texts, arrays, tables, dataclasses, paths and containers of these"
        )


@lru_cache
def _versions():
    return (*sys.version_info[:2], *(importlib.metadata.version(p) for p in VERSIONED))


def kept(function, *arguments, folder=None, inputs=(), **options):
    """What `function(*arguments, **options)` returns, or what an earlier call left in the store.

    Parameters
    ----------
    function : callable
        Defined at the top of a module of the library.
    folder : Path, optional
        Another place than the cache.
    inputs : sequence, optional
        What else the value depends on, such as files that the function reads.

    Returns
    -------
    Any value that can be pickled. A file that is cut, altered or of another version is made again,
    with a note in the log.

    Raises
    ------
    DataError
        A function of another place; an argument that cannot be part of a key; a cache that cannot
        be written.

    Examples
    --------
    >>> import tempfile
    >>> from specialization.measures import gini
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(kept(gini, [1.0, 3.0], folder=folder), len(list(Path(folder).iterdir())))
    0.25 1
    """
    if module_file(function.__module__) is None:
        raise DataError(
            f"store: {function.__qualname__} of {function.__module__} is not the "
            "library's, so no key can tell what it does"
        )
    bound = inspect.signature(function).bind(*arguments, **options)
    bound.apply_defaults()
    named = {k: v for k, v in bound.arguments.items() if k not in UNKEYED}
    name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
    key = digest(_code_key(function.__module__), name, named, list(inputs), _versions())
    path = Path(folder or CACHE / "store") / f"{name}.{key}.pickle"
    try:
        return _loaded(_content(path))
    except FileNotFoundError:
        pass
    except Exception:  # whatever reading and unpickling meet, it is made again
        logging.getLogger(__name__).warning("%s is damaged; its value is made again", path)
    with writing(path.parent):  # before a long computation, not after it
        if not os.access(path.parent, os.W_OK):
            raise PermissionError("Permission denied")
    content = pickle.dumps(function(*arguments, **options))
    content = sha256(content).encode() + content
    write(path, content)
    return _loaded(content)  # the very value, to the order of memory, that a later call gets


def _content(path):
    # a folder or pipe in the place of the file is cleared away, as it could not be replaced
    if path.is_file() or not path.exists():
        return path.read_bytes()
    with writing(path.parent):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    raise ValueError


def _loaded(content):
    if content[:64] != sha256(content[64:]).encode():
        raise ValueError
    return pickle.loads(content[64:])


# Files


@contextlib.contextmanager
def writing(folder):
    """Say in one sentence that the system refuses to write to a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror or error}); free some space "
            "or set SPECIALIZATION_CACHE to a writable folder"
        ) from error


def write(path, content):
    """Write bytes to a file, completely or not at all; `DataError` where the system refuses."""
    # several threads, processes and containers may write the same file at once
    part = path.with_name(f".{path.name[-40:]}.{os.urandom(6).hex()}.part")
    with writing(path.parent):
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
