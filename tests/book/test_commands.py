"""Commands of the Makefile under signals, on a full disk, and in a checkout that is read-only."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import build
import environment
import execute
import pages
import psutil
import pytest

BOOK = Path(environment.__file__).parent


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_a_signal_leaves_no_half_of_a_file_of_the_library(tmp_path, number):
    # the library's commands, writing for ever a file that is never whole
    program = (
        "import pathlib, runpy, sys, time\n"
        "from specialization.data import download\n"
        "from specialization import store\n"
        "def slow(self, content):\n"
        "    self.touch(); print('started', flush=True); time.sleep(600)\n"
        "pathlib.Path.write_bytes = slow\n"
        f"store_it = lambda: store.write(pathlib.Path({str(tmp_path)!r}, 'a.csv'), b'a')\n"
        "download.fetch_all = store_it\n"
        "sys.argv = ['specialization', 'data']\n"
        "runpy.run_module('specialization', run_name='__main__')\n"
    )
    process = start([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout.readline() == "started\n"
    process.send_signal(number)
    assert process.wait(timeout=30) == 128 + number
    assert list(tmp_path.iterdir()) == []


def start(command, **options):
    """A process that no shell lets ignore a signal (nohup), with a group of its own."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    process = subprocess.Popen(
        command, text=True, stderr=subprocess.DEVNULL, start_new_session=True, **options
    )
    for number, handler in before.items():
        signal.signal(number, handler)
    return process


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
@pytest.mark.parametrize("target", ["book", "chapter", "data", "results", "test", "env"])
def test_a_signal_to_make_ends_what_it_started(tmp_path, target, number):
    # a terminal sends Ctrl-C and its own end to all, `kill` to one; programs are stood in for
    waiting = "import os, time\nopen('pid', 'w').write(f'{os.getpid()}\\n')\ntime.sleep(600)\n"
    (tmp_path / "book").mkdir()
    (tmp_path / "Makefile").write_bytes((BOOK.parent / "Makefile").read_bytes())
    (tmp_path / "book/environment.py").write_text(waiting, encoding="utf-8")
    script = f"exec {sys.executable} book/environment.py" if target == "env" else ""
    (tmp_path / "book/environment.sh").write_text(script + "\n", encoding="utf-8")
    process = start(
        ["make", f"VENV={sys.prefix}", target],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))},
    )
    pid, deadline = tmp_path / "pid", time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = psutil.Process(int(pid.read_text()))
    if number == signal.SIGTERM:
        process.send_signal(number)
    else:
        os.killpg(process.pid, number)
    assert process.wait(timeout=30) != 0
    _, alive = psutil.wait_procs([child], timeout=15)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_a_folder_that_refuses_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(self, *_, **__):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    pages.write(tmp_path / "a.md", "earlier")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(pages.BuildError, match=r"cannot be written \(No space left on device\)"):
        pages.write(tmp_path / "a.md", "later")
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["a.md"]
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(pages.BuildError, match=r"cannot be written \(Permission denied\)"):
        execute.execute([execute.Job(tmp_path, "01_a", tmp_path / "new" / "a.ipynb", "key")])


def test_a_system_that_refuses_is_one_sentence_of_the_builder(monkeypatch, capsys):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system", "data/cache")

    monkeypatch.setattr(build, "available_vintages", lambda: {"synthetic": "seeded"})
    monkeypatch.setattr(build, "build_book", refuse)
    assert build.main([]) == 1
    assert capsys.readouterr().err == "error: data/cache: Read-only file system\n"
