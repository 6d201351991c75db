"""Public files, checked by sha256 and kept in the cache."""

import os
import sys
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ..errors import DataError, Unreachable
from ..store import CACHE, TABLES, sha256, writing

ATTEMPTS = 4
TIMEOUT = 30  # seconds without a byte


def manifest():
    """Public files, indexed by file: url, sha256, bytes, licence, citation, contents."""
    return pd.read_csv(TABLES / "manifest.csv", index_col="file")


def data_hash():
    """Twelve hexadecimal digits that change with any file of the manifest; needs no data."""
    return sha256("".join(manifest()["sha256"]).encode())[:12]


def _places():
    # where files may lie: in the mirror, if one is set, and in the cache
    mirror = os.environ.get("SPECIALIZATION_MIRROR")
    return [*([Path(mirror)] if mirror else []), CACHE / "raw"]


def at_hand(files):
    """Whether all files lie in the mirror or the cache; looks at existence and size only."""
    sizes = manifest()["bytes"]
    return all(any((place / file).is_file() and (place / file).stat().st_size == sizes[file]
                   for place in _places()) for file in files)


def fetch(file):
    """Path of an intact copy of a file of the manifest: in the mirror, else in the cache, where it
    is downloaded if it is not there or was altered.

    The mirror is the folder that the environment variable SPECIALIZATION_MIRROR names. `DataError`
    for an unknown file, one altered in the mirror or at its address, a cache not writable;
    `Unreachable` if the address does not answer or refuses.
    """
    if file not in (files := manifest()).index:
        raise DataError(f"{file!r} is no public file; valid: {', '.join(files.index)}")
    entry, (*mirror, cache) = files.loc[file], _places()
    if mirror and (path := mirror[0] / file).is_file():
        if (found := sha256(path.read_bytes())) != entry["sha256"]:
            raise DataError(f"{file} in {mirror[0]}: sha256 {found}; expected {entry['sha256']}: "
                            "put an intact copy there or remove it")
        return path
    import pooch  # slow to import, and seldom needed
    import requests

    pooch.get_logger().setLevel("WARNING")
    client = pooch.create(cache, base_url="", registry={file: entry["sha256"]},
                          urls={file: entry["url"]}, retry_if_failed=ATTEMPTS - 1)
    with writing(cache):
        try:
            return Path(client.fetch(file, downloader=pooch.HTTPDownloader(timeout=TIMEOUT)))
        except requests.RequestException as error:
            raise Unreachable(
                f"{file} cannot be downloaded ({type(error).__name__}): try again with a network, "
                "or set SPECIALIZATION_MIRROR to a folder with the files of data/manifest.csv"
            ) from error
        except ValueError as error:
            raise DataError(f"{file} at its address: {error}") from error


def fetch_all(files=None):
    """Fetch these files of the manifest, or all; returns their paths."""
    return [fetch(file) for file in tqdm(manifest().index if files is None else files,
                                         desc="public data", unit="file", leave=False)]


if __name__ == "__main__":
    try:
        print(f"{len(fetch_all())} files at hand")
    except DataError as error:
        sys.exit(f"error: {error}")
