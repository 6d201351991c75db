"""Where tables are read from, and what is kept between runs: files written whole or not at all."""

import contextlib
import hashlib
import os
import pickle
from pathlib import Path

import pandas as pd

from .errors import DataError

_CHECKOUT = Path(__file__).resolve().parents[2]

TABLES = Path(__file__).resolve().parent / "tables"
"""Small tables: manifest, published numbers, stored results; in a checkout its folder data."""

if not TABLES.exists():
    TABLES = _CHECKOUT / "data"


def _cache():
    if folder := os.environ.get("SPECIALIZATION_CACHE"):
        return Path(folder)
    if TABLES == _CHECKOUT / "data":
        return TABLES / "cache"
    import pooch  # slow to import, and seldom needed

    return Path(pooch.os_cache("specialization"))


CACHE = _cache()
"""Downloads, panels and solutions: safe to delete. In a checkout data/cache, else the user's."""

IPUMS = (TABLES if TABLES == _CHECKOUT / "data" else CACHE) / "ipums"
"""Where a user's own IPUMS extract lies."""


def sha256(content):
    """Hexadecimal sha256 of bytes."""
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def writing(folder):
    """Say in one sentence that the system refuses to write to a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(f"{folder} cannot be written ({error.strerror or error}); free some space "
                        "or set SPECIALIZATION_CACHE to a writable folder") from error


def write(path, content):
    """Write bytes to a file, completely or not at all; `DataError` where the system refuses."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with writing(path.parent):
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def kept(path, key, make):
    """The value of `make()`, kept in a file that begins with the sha256 of `key` and content.

    It is made again where the file is missing or altered, or the key is another.
    """
    key = f"{key} {pd.__version__}".encode()    # pandas may not read what another one kept
    with contextlib.suppress(OSError):
        stored = path.read_bytes()
        if stored[:64] == sha256(key + stored[64:]).encode():
            return pickle.loads(stored[64:])
    value = make()
    content = pickle.dumps(value)
    write(path, sha256(key + content).encode() + content)
    return value
