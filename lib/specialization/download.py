"""Files: public ones, checked by sha256, and what is kept between runs."""

import contextlib
import hashlib
import os
import pickle
import sys
import warnings
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from . import CACHE, DATA, DataError

ATTEMPTS = 4
TIMEOUT = 30  # seconds without a byte


class Unreachable(DataError):
    """A public file that could not be downloaded; the synthetic data need no network."""


def manifest():
    """Public files, indexed by file: url, sha256, bytes, licence, citation, contents."""
    return pd.read_csv(DATA / "manifest.csv", index_col="file")


def sha256(content):
    """Hexadecimal sha256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def data_hash():
    """Twelve hexadecimal digits that change with any file of the manifest; needs no data."""
    return sha256("".join(manifest()["sha256"]).encode())[:12]


def at_hand(files):
    """Whether all files lie in the cache or the mirror; looks at existence and size only."""
    sizes = manifest().loc[list(files), "bytes"]
    return all(any(place.is_file() and place.stat().st_size == size for place in _places(file))
               for file, size in sizes.items())


def _places(file):
    # the cache and, if one is set, the mirror
    mirror = os.environ.get("SPECIALIZATION_MIRROR")
    return [CACHE / "raw" / file] + ([Path(mirror) / file] if mirror else [])


def fetch(file):
    """Path of an intact copy of a file of the manifest: cache, else mirror, else download.

    The mirror is the folder that the environment variable SPECIALIZATION_MIRROR names; its files
    are used in place. An altered file in the cache is replaced. `Unreachable` if the address does
    not answer or refuses; `DataError` for an unknown file, one altered in the mirror or at the
    address, a cache not writable.
    """
    files = manifest()
    if file not in files.index:
        raise DataError(f"{file!r} is no public file; valid: {', '.join(files.index)}")
    cached, *mirror = _places(file)
    if cached.is_file():
        if sha256(cached.read_bytes()) == files.loc[file, "sha256"]:
            return cached
        warnings.warn(f"{cached.name} in the cache was altered and is fetched again", stacklevel=2)
        cached.unlink()
    if mirror and mirror[0].is_file():
        found = sha256(mirror[0].read_bytes())
        if found != files.loc[file, "sha256"]:
            raise DataError(
                f"{file}: {mirror[0].stat().st_size} bytes with sha256 {found} in "
                f"{mirror[0].parent}; expected {files.loc[file, 'bytes']} bytes with sha256 "
                f"{files.loc[file, 'sha256']}: put an intact copy there or remove it")
        return mirror[0]
    return _download(files.loc[file])


def fetch_all(files=None):
    """Fetch these files of the manifest, or all; returns their paths."""
    return [fetch(file) for file in tqdm(manifest().index if files is None else files,
                                         desc="public data", unit="file", leave=False)]


def _download(entry):
    import pooch  # slow to import, and seldom needed
    import requests

    pooch.get_logger().setLevel("WARNING")
    client = pooch.create(CACHE / "raw", base_url="", registry={entry.name: entry["sha256"]},
                          urls={entry.name: entry["url"]}, retry_if_failed=ATTEMPTS - 1)
    with _writing(CACHE / "raw"):
        try:
            downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
            return Path(client.fetch(entry.name, downloader=downloader))
        except requests.RequestException as error:
            raise Unreachable(
                f"{entry.name} cannot be downloaded ({type(error).__name__}): try again with a "
                "network, or set SPECIALIZATION_MIRROR to a folder with the files of "
                "data/manifest.csv") from error
        except ValueError as error:
            raise DataError(f"{entry.name} at its address: {error}") from error


@contextlib.contextmanager
def _writing(folder):
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
    with _writing(path.parent):
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def kept(path, key, make):
    """The value of `make()`, kept in a file that begins with the sha256 of `key` and content.

    It is made again where the file is missing or altered, or the key is another. A folder that
    cannot be written costs time, and a warning.
    """
    key = f"{key} {pd.__version__}".encode()    # pandas may not read what another one kept
    with contextlib.suppress(OSError):
        stored = path.read_bytes()
        if stored[:64] == sha256(key + stored[64:]).encode():
            return pickle.loads(stored[64:])
    value = make()
    content = pickle.dumps(value)
    try:
        write(path, sha256(key + content).encode() + content)
    except DataError as error:
        warnings.warn(f"{error}; until then it is computed again each time", stacklevel=2)
    return value


if __name__ == "__main__":
    try:
        print(f"{len(fetch_all())} files at hand")
    except DataError as error:
        sys.exit(f"error: {error}")
