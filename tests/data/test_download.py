"""The downloader against a server on the loopback interface."""

import errno
import hashlib
import http.server
import threading
import types

import pandas as pd
import pooch
import pytest
from specialization import store
from specialization.data import download
from specialization.errors import DataError

CONTENT = bytes(range(256)) * 1024
FILE = "numbers.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.content`; breaks off after `server.cut` bytes once."""

    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        if server.status != 200:
            self.send_error(server.status)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(server.content)))
        self.end_headers()
        cut, server.cut = server.cut, None
        self.wfile.write(server.content[:cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.content, made.cut, made.status, made.asked = CONTENT, None, 200, []
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def cache(server, tmp_path, monkeypatch):
    """A project whose manifest names one file on the server; returns its folder of raw files."""
    entry = {
        "file": FILE,
        "url": f"http://127.0.0.1:{server.server_port}/{FILE}",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "bytes": len(CONTENT),
    }
    pd.DataFrame([entry]).to_csv(tmp_path / "manifest.csv", index=False)
    monkeypatch.setattr(download, "TABLES", tmp_path)
    monkeypatch.setattr(download, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(pooch.core, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("SPECIALIZATION_MIRROR", raising=False)
    return tmp_path / "cache" / "raw"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_downloads_once(cache, server):
    assert not download.at_hand([FILE])
    assert download.fetch_all() == [cache / FILE]
    assert download.fetch(FILE).read_bytes() == CONTENT
    assert server.asked == [f"/{FILE}"]
    assert names(cache) == [FILE]
    assert download.at_hand([FILE])


def test_unknown_file_names_the_valid_ones(cache):
    with pytest.raises(DataError, match=f"'other.csv' is no public file; valid: {FILE}"):
        download.fetch("other.csv")


def test_broken_transfer_is_tried_again(cache, server):
    server.cut = 100_000
    assert download.fetch(FILE).read_bytes() == CONTENT
    assert len(server.asked) == 2 and names(cache) == [FILE]


def test_wrong_content_names_both_hashes(cache, server):
    server.content = CONTENT[:-1] + b"?"
    found = hashlib.sha256(server.content).hexdigest()
    expected = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(DataError, match=f"{FILE} .*expected {expected} but got {found}") as caught:
        download.fetch(FILE)
    assert not isinstance(caught.value, download.Unreachable)
    assert len(server.asked) == download.ATTEMPTS
    assert names(cache) == []


def test_altered_file_in_the_cache_is_replaced(cache):
    path = download.fetch(FILE)
    path.write_bytes(b"altered" + CONTENT[7:])
    assert download.fetch(FILE).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 503])
def test_refusal_is_unreachable(cache, server, status):
    server.status = status
    with pytest.raises(download.Unreachable, match=f"{FILE} cannot be downloaded \\(HTTPError"):
        download.fetch(FILE)
    assert len(server.asked) == download.ATTEMPTS


def test_no_server_is_unreachable(cache, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(download.Unreachable, match="SPECIALIZATION_MIRROR"):
        download.fetch(FILE)
    assert names(cache) == []


def test_unreachable_keeps_the_altered_file_out(cache, server):
    path = download.fetch(FILE)
    path.write_bytes(b"altered")
    server.status = 503
    with pytest.raises(download.Unreachable):
        download.fetch(FILE)


def test_cache_that_is_no_folder(cache):
    cache.parent.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="raw cannot be written .*SPECIALIZATION_CACHE"):
        download.fetch(FILE)


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
def test_read_only_or_full_cache(cache, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, "refused")

    monkeypatch.setattr(pooch.core.shutil, "move", refuse)
    with pytest.raises(DataError, match=r"cannot be written \(refused\)"):
        download.fetch(FILE)
    assert FILE not in names(cache)


def test_mirror_is_used_in_place(cache, server, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECIALIZATION_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / FILE).write_bytes(CONTENT)
    assert download.at_hand([FILE])
    assert download.fetch(FILE) == tmp_path / "mirror" / FILE
    assert server.asked == [] and not cache.exists()


def test_altered_file_in_the_mirror_is_named(cache, server, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECIALIZATION_MIRROR", str(tmp_path))
    (tmp_path / FILE).write_bytes(CONTENT[:-5])
    with pytest.raises(DataError, match=f"{FILE} in .*: sha256 .*; expected .*intact copy"):
        download.fetch(FILE)
    assert server.asked == [] and (tmp_path / FILE).stat().st_size == len(CONTENT) - 5
    assert not download.at_hand([FILE])


def test_file_missing_in_the_mirror_is_downloaded(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECIALIZATION_MIRROR", str(tmp_path))
    assert download.fetch(FILE) == cache / FILE
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.touch(), "is no folder"),
        (lambda path: path.symlink_to("nowhere"), "does not exist"),
    ],
)
@pytest.mark.parametrize(
    "call", [lambda: download.fetch(FILE), lambda: download.at_hand([FILE]), download.fetch_all]
)
def test_a_mirror_that_is_no_folder_is_named(
    cache, server, tmp_path, monkeypatch, make, words, call
):
    mirror = tmp_path / "mirror"
    make(mirror)
    monkeypatch.setenv("SPECIALIZATION_MIRROR", str(mirror))
    with pytest.raises(DataError, match=f"SPECIALIZATION_MIRROR: {mirror} {words}; valid: a fol"):
        call()
    assert server.asked == [] and not cache.exists()


def test_a_relative_mirror_is_that_of_the_start(cache, server, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "START", str(tmp_path))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / FILE).write_bytes(CONTENT)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("SPECIALIZATION_MIRROR", "mirror")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert download.fetch(FILE) == tmp_path / "mirror" / FILE and server.asked == []


@pytest.mark.parametrize("value", ["", None])
def test_no_mirror(cache, monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("SPECIALIZATION_MIRROR", value)
    assert download._places() == [cache]


def test_home_in_the_mirror_is_the_users(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / FILE).write_bytes(CONTENT)
    monkeypatch.setenv("SPECIALIZATION_MIRROR", "~")
    assert download.fetch(FILE) == tmp_path / FILE


def test_hash_of_the_data_follows_the_manifest(cache, tmp_path):
    before = download.data_hash()
    table = pd.read_csv(tmp_path / "manifest.csv")
    table.assign(sha256="f" * 64).to_csv(tmp_path / "manifest.csv", index=False)
    assert len(before) == 12 and download.data_hash() != before


def test_committed_manifest_is_complete():
    files = download.manifest()
    assert len(files) == 17 and files.index.is_unique and files.notna().all().all()
    assert files["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    # addresses are pinned to a commit, so that their content cannot change
    assert files["url"].str.match("https://.*/[0-9a-f]{40}/").all()
