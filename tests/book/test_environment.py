"""book/environment.sh, with made-up interpreters."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).parents[2] / "book" / "environment.sh"
# what it installs is noted: the lock, and the folder that the library is taken from
GOOD = (
    f"""#!/bin/sh
case "$3" in *setpgid*) shift 3; exec {sys.executable} -I -c 'import os, sys
os.setpgid(0, 0); os.execv(sys.argv[1], sys.argv[1:])' "$0" "$@" ;; esac
"""
    + """
case "$*" in
-V*) echo Python 3.12.1 ;;
*"-m venv --clear .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo > .venv/pyvenv.cfg ;;
*"book/environment.py -m pip"*"-e .")
    [ -e library_fails ] && exit 1; pwd > "${0%/bin/*}/library" ;;
*"book/environment.py -m pip"*) [ -e pip_fails ] && exit 1; [ -d "$TMPDIR" ] || exit 1
    [ -e pip_hangs ] && { sleep 600 & echo $$ $! > pids; wait; }; echo installed >> installs ;;
*"import importlib"*) [ "$(cat "${0%/bin/*}/library" 2>/dev/null)" = "$(pwd)" ]; exit ;;
esac
exit 0
"""
)
SHIM = "#!/bin/sh\necho 'command not found' >&2\nexit 127\n"


@pytest.fixture
def setup(tmp_path):
    """Run the script in a folder with a space, with only the given interpreters on the path."""
    root, path = tmp_path / "a project", tmp_path / "bin"
    root.mkdir()
    path.mkdir()
    (root / "requirements.lock").write_text("numpy==1\n")
    for tool in ("sh", "env", "mkdir", "cp", "rm", "cat", "cmp", "df", "awk", "sleep"):
        (path / tool).symlink_to(shutil.which(tool))

    def run(*arguments, root=root, **interpreters):
        for name, text in interpreters.items():
            file = path / name.replace("_", ".")
            file.unlink(missing_ok=True)
            file.write_text(text)
            file.chmod(0o755)
        return subprocess.run(
            ["sh", SCRIPT, ".venv", *arguments],
            cwd=root,
            text=True,
            capture_output=True,
            env={"PATH": os.fspath(path)},
        )

    run.root, run.path = root, path
    return run


@pytest.fixture
def started(setup):
    """Start the script with an interpreter whose pip goes on for ever; it, and pip's processes."""
    (setup.root / "pip_hangs").touch()
    (setup.path / "python3").write_text(GOOD)
    (setup.path / "python3").chmod(0o755)
    # a shell that lets its children ignore a signal (nohup) says nothing about the script
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    process = subprocess.Popen(
        ["sh", SCRIPT, ".venv"],
        cwd=setup.root,
        text=True,
        stderr=subprocess.PIPE,
        env={"PATH": os.fspath(setup.path)},
    )
    for number, handler in before.items():
        signal.signal(number, handler)
    pids = setup.root / "pids"
    deadline = time.monotonic() + 60
    while not (pids.exists() and pids.read_text().endswith("\n")) and time.monotonic() < deadline:
        time.sleep(0.05)
    yield process, [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    process.kill()


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_pip_and_leaves_no_environment(setup, started, number):
    process, children = started
    process.send_signal(number)
    assert process.wait(timeout=30) == 128 + number
    assert process.stderr.read() == "interrupted; .venv was removed\n"
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
    assert not (setup.root / ".venv").exists()
    (setup.root / "pip_hangs").unlink()
    assert setup().returncode == 0
    assert not (setup.root / ".venv/tmp").exists()


def test_shims_that_fail_are_passed_over_and_the_lock_is_installed_once(setup):
    first = setup(python3=SHIM, python3_13=SHIM, python3_12=GOOD)
    assert first.returncode == 0 and "Python 3.12.1" in first.stdout, first.stderr
    assert setup().stdout == ""
    assert (setup.root / "installs").read_text(encoding="utf-8") == "installed\n"
    assert (setup.root / ".venv/library").read_text(encoding="utf-8") == f"{setup.root}\n"
    (setup.root / "requirements.lock").write_text("numpy==2\n")
    assert setup().returncode == 0
    assert (setup.root / "installs").read_text(encoding="utf-8") == "installed\n" * 2


def test_another_python_that_is_named_gets_an_environment_of_its_own(setup):
    other = GOOD.replace("3.12.1", "3.13.0")
    assert "Python 3.12.1" in setup(python3=GOOD, python3_13=other).stdout
    assert setup("python3").stdout == ""
    assert "Python 3.13.0" in setup("python3.13").stdout


def test_no_python_is_one_clear_message(setup):
    done = setup(python3=SHIM)
    assert done.returncode == 1 and not (setup.root / ".venv").exists()
    assert done.stderr.startswith("error: no Python 3.11 to 3.13 with venv and ensurepip found")
    assert setup("python9", python3=GOOD).returncode == 1  # the one that was named, or none


def test_a_failed_install_leaves_no_environment(setup):
    (setup.root / "pip_fails").touch()
    done = setup(python3=GOOD)
    assert done.returncode == 1 and "pip could not install requirements.lock" in done.stderr
    assert not (setup.root / ".venv").exists()
    (setup.root / "pip_fails").unlink()
    assert setup().returncode == 0


def test_after_a_move_the_library_is_taken_from_the_new_folder(setup):
    assert setup(python3=GOOD).returncode == 0
    moved = setup.root.rename(setup.root.with_name("another name"))
    assert setup(root=moved).returncode == 0
    assert (moved / ".venv/library").read_text(encoding="utf-8") == f"{moved}\n"
    assert (moved / "installs").read_text(encoding="utf-8") == "installed\n"


def test_a_library_that_cannot_be_installed_is_one_clear_message(setup):
    (setup.root / "library_fails").touch()
    done = setup(python3=GOOD)
    assert done.returncode == 1 and "pip could not install the library" in done.stderr
    (setup.root / "library_fails").unlink()
    assert setup().returncode == 0


def test_an_interrupted_install_is_done_again(setup):
    assert setup(python3=GOOD).returncode == 0
    (setup.root / ".venv/requirements.lock").unlink()  # put there last
    assert setup().returncode == 0
    assert (setup.root / "installs").read_text(encoding="utf-8") == "installed\n" * 2


def test_a_folder_that_is_no_environment_is_left_alone(setup):
    (setup.root / ".venv").mkdir()
    (setup.root / ".venv/thesis.tex").touch()
    assert setup(python3=GOOD).returncode == 1
    assert (setup.root / ".venv/thesis.tex").exists()


def test_a_full_disk_is_one_clear_message(setup):
    (setup.path / "df").unlink()
    done = setup(python3=GOOD, df="#!/bin/sh\nprintf 'h\\n/dev/x 9 8 1048576 9%% /\\n'\n")
    assert done.returncode == 1 and "1024 MiB free here" in done.stderr
    assert not (setup.root / ".venv").exists()
