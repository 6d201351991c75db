"""Files: the public ones, checked by sha256 and kept in the cache; the codebooks of extracts."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ..errors import DataError, Unreachable
from ..store import CACHE, TABLES, named_folder, sha256, writing

ATTEMPTS = 4
TIMEOUT = 30  # seconds without a byte


def manifest() -> pd.DataFrame:
    """Public files.

    Returns
    -------
    DataFrame
        Indexed by file: url, sha256, bytes, licence, citation, contents.

    Examples
    --------
    >>> manifest().loc["ers_county_cz90.xls", "licence"]
    'public domain'
    """
    return pd.read_csv(TABLES / "manifest.csv", index_col="file", encoding="utf-8")


def data_hash() -> str:
    """Twelve hexadecimal digits that change with any file of the manifest; needs no data.

    Returns
    -------
    str

    Examples
    --------
    >>> len(data_hash())
    12
    """
    return sha256("".join(manifest()["sha256"]).encode())[:12]


def _mirror():
    """The folder of SPECIALIZATION_MIRROR; None if it is not set."""
    if (folder := named_folder("SPECIALIZATION_MIRROR")) is None:
        return None
    if not os.path.isdir(folder):
        what = "is no folder" if os.path.exists(folder) else "does not exist"
        raise DataError(
            f"SPECIALIZATION_MIRROR: {folder} {what}; valid: a folder that holds "
            "files of data/manifest.csv, or not set"
        )
    return folder


def _places():
    # where files may lie: in the mirror, if one is set, and in the cache
    return [*filter(None, [_mirror()]), CACHE / "raw"]


def at_hand(files: Iterable[str]) -> bool:
    """Whether all files lie in the mirror or the cache, by existence and size only.

    Parameters
    ----------
    files : iterable of str
        Names in the manifest.

    Returns
    -------
    bool

    Raises
    ------
    DataError
        SPECIALIZATION_MIRROR names no folder.

    Examples
    --------
    >>> at_hand([])
    True
    """
    sizes, places = manifest()["bytes"], _places()
    return all(
        any(
            (place / file).is_file() and (place / file).stat().st_size == sizes[file]
            for place in places
        )
        for file in files
    )


def fetch(file: str) -> Path:
    """Path of an intact copy of a public file.

    It lies in the mirror, else in the cache, where it is downloaded if it is not there or was
    altered. The mirror is the folder that the environment variable SPECIALIZATION_MIRROR names, a
    relative one from where the process started.

    Parameters
    ----------
    file : str
        Its name in the manifest.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        An unknown file, one altered in the mirror or at its address, a mirror that is no folder,
        a cache that cannot be written.
    Unreachable
        The address does not answer, or refuses.

    Examples
    --------
    >>> fetch("zones.txt")                      # doctest: +ELLIPSIS
    Traceback (most recent call last):
    specialization.errors.DataError: 'zones.txt' is no public file; valid: ...
    """
    if file not in (files := manifest()).index:
        raise DataError(f"{file!r} is no public file; valid: {', '.join(files.index)}")
    entry, (*mirror, cache) = files.loc[file], _places()
    if mirror and (path := mirror[0] / file).is_file():
        try:
            found = sha256(path.read_bytes())
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror})") from error
        if found != entry["sha256"]:
            raise DataError(
                f"{file} in {mirror[0]}: sha256 {found}; expected {entry['sha256']}: "
                "put an intact copy there or remove it"
            )
        return path
    import pooch  # slow to import, and seldom needed
    import requests

    pooch.get_logger().setLevel("WARNING")
    client = pooch.create(
        cache,
        base_url="",
        registry={file: entry["sha256"]},
        urls={file: entry["url"]},
        retry_if_failed=ATTEMPTS - 1,
    )
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


def fetch_all(files: Iterable[str] | None = None) -> list[Path]:
    """Paths of intact copies of these public files, or of all; see `fetch`.

    Parameters
    ----------
    files : iterable of str, optional
        Names in the manifest; all where None.

    Raises
    ------
    DataError, Unreachable
        As `fetch`.

    Examples
    --------
    >>> fetch_all([])
    []
    """
    return [
        fetch(file)
        for file in tqdm(
            manifest().index if files is None else files,
            desc="public data",
            unit="file",
            leave=False,
        )
    ]


def codebooks(folder: Path) -> list[Path]:
    """Codebooks (.xml) of IPUMS extracts in a folder; hidden files are none.

    Examples
    --------
    >>> codebooks(Path("no such folder"))
    []
    """
    # beside a file from a Mac may lie one of the same name with ._ in front
    found = sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []
    return [p for p in found if p.suffix.lower() == ".xml" and not p.name.startswith(".")]
