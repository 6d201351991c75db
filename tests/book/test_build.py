"""The runner, on tiny projects: what is executed again, and what a failure leaves behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import build
import environment
import execute
import nbformat
import pages
import psutil
import pytest
from specialization import store

BOOK = Path(build.__file__).parent

HEAD = """---
jupytext:
  text_representation:
    format_name: myst
kernelspec:
  name: python3
  display_name: Python 3
  language: python
---

# A chapter

```{code-cell} ipython3
:tags: [parameters]
VINTAGE = "all"
HORIZON = 10
```

"""


def chapter_text(code):
    return f"{HEAD}```{{code-cell}} ipython3\n{code}\n```\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in a folder whose name has a space."""
    root = tmp_path / "a project"
    files = {
        "_toc.yml": "format: jb-book\nroot: intro\nchapters:\n- file: notebooks/01_a\n"
        "- file: notebooks/02_b\n",
        "_config.yml": "title: t\n",
        "requirements.lock": "numpy==1\n",
        "notebooks/01_a.md": chapter_text("import sys; print(sys.executable, VINTAGE)"),
        "notebooks/02_b.md": chapter_text("from specialization.model import planner"),
        "lib/specialization/__init__.py": "",
        "lib/specialization/model/__init__.py": "",
        "lib/specialization/model/planner.py": "from .nodes import ONE\nTWO = ONE + 1\n",
        "lib/specialization/model/nodes.py": "ONE = 1\n",
        "data/table.csv": "a\n1\n",
        "data/results/one.csv": "a\n1\n",
        "data/cache/raw.bin": "x",
        "book/intro.md": "# t\n",
    }
    for name, text in files.items():
        pages.write(root / name, text)
    monkeypatch.setattr(store, "PACKAGE", root / "lib" / "specialization")
    return root


def job(root, name="01_a", vintages=None, parameters=None):
    return build.make_job(root, name, vintages or {"synthetic": "seeded"}, parameters)


def left_over(root):
    return [p.name for p in root.rglob("*.part")]


# Keys


def changed(project, file, text, name="02_b", **options):
    """Whether the key of a chapter moves when a file gets another text."""
    before = job(project, name, **options).key
    pages.write(project / file, text)
    return job(project, name, **options).key != before


@pytest.mark.parametrize(
    "file, text",
    [
        ("notebooks/02_b.md", chapter_text("1")),
        ("requirements.lock", "numpy==2\n"),
        ("lib/specialization/model/planner.py", "TWO = 3\n"),
        ("lib/specialization/model/nodes.py", "ONE = 3\n"),
        ("data/new.csv", "a\n"),
        ("data/table.csv", "a\n2\n"),
        ("data/results/one.csv", "a\n2\n"),
        ("data/results.toml", "a = 1\n"),
    ],
)
def test_key_changes_with_what_a_chapter_depends_on(project, file, text):
    assert changed(project, file, text)


@pytest.mark.parametrize(
    "file, text",
    [
        (
            "lib/specialization/model/planner.py",
            "from .nodes import ONE  # one\n\nTWO = ONE + 1\n",
        ),
        ("lib/specialization/facts.py", "x = 1\n"),
        ("notebooks/01_a.md", chapter_text("2")),
        ("book/intro.md", "# other\n"),
        ("book/build.py", "x"),
        ("_config.yml", "title: u\n"),
        ("data/cache/raw.bin", "y"),
        ("data/ipums/extract.xml", "y"),
        ("lib/specialization/__pycache__/a.pyc", "y"),
    ],
)
def test_key_does_not_change_with_anything_else(project, file, text):
    assert not changed(project, file, text)


NO_INPUT = [
    "data/.DS_Store",
    "data/._table.csv",
    "data/.table.csv.swp",
    "data/table.csv~",
    "data/#table.csv#",
    "data/.#table.csv",
    "data/~$table.csv",
    "data/.~lock.table.csv#",
    "data/table.csv.lock",
    "data/table.csv.orig",
    "data/table.csv.part",
    "data/Thumbs.db",
    "data/.ipynb_checkpoints/table-checkpoint.csv",
    "data/notes.txt",
    "data/results/.x.csv",
    "data/$RECYCLE.BIN/table.csv",
    "lib/specialization/x.py:Zone.Identifier",
    "data/table.csv:Zone.Identifier",
    "data/4913",
    "data/nohup.out",
    "data/.nfs0000000000a1",
    "data/table.csv.rej",
    "data/table (1).csv",
    "data/table 2.csv",
    "data/table - Copy.csv",
    "data/table-LAPTOP.csv",
    "data/table.sync-conflict-20260101-101010-ABCDEFG.csv",
    "data/table (Ann's conflicted copy 2026-01-01).csv",
    "data/.vscode/settings.json",
    "data/.idea/table.csv",
    "data/desktop.ini",
    "data/table.csv.~1~",
    "data/__MACOSX/._table.csv",
    "notebooks/02_b (1).md",
    "notebooks/02_b.sync-conflict-20260101-101010-ABCDEFG.md",
    "notebooks/02_b-LAPTOP.md",
    "notebooks/02_b 2.md",
    "notebooks/.ipynb_checkpoints/02_b-checkpoint.md",
    "notebooks/matplotlibrc",
    "lib/specialization/model/.planner.py.swp",
    "lib/specialization/model/#planner.py#",
    "tests/4913",
]


@pytest.mark.parametrize("file", NO_INPUT)
def test_files_that_systems_and_editors_leave_behind_are_no_input(project, file):
    assert not changed(project, file, "left")
    assert build.chapters(project) == ["01_a", "02_b"]


def page_key(project, monkeypatch, change=lambda: None):
    """Whether pages that are built are built again after a change."""
    monkeypatch.setattr(
        pages,
        "sphinx",
        lambda root, source, target, strict: target.mkdir(parents=True, exist_ok=True),
    )
    pages.build_html(project)
    change()
    return pages.build_html(project)


LEFT = [
    "4913",
    "nohup.out",
    ".DS_Store",
    ".nfs0000000000a1",
    "intro.md~",
    "#intro.md#",
    ".#intro.md",
    ".intro.md.swp",
    "._intro.md",
    ".ipynb_checkpoints/intro-checkpoint.md",
    "Thumbs.db",
    "desktop.ini",
    "intro.md.orig",
    "intro.md.rej",
    ".vscode/settings.json",
    ".idea/a.md",
    "__pycache__/a.py",
    "intro (1).md",
    "intro.sync-conflict-20260101-101010-ABCDEFG.md",
    "intro.md.part",
    "core",
    "a.log",
]


@pytest.mark.parametrize("folder", ["book", "book/_static", "lib/specialization", "."])
@pytest.mark.parametrize("file", LEFT)
def test_what_is_left_behind_builds_no_page_again(project, monkeypatch, folder, file):
    assert not page_key(project, monkeypatch, lambda: pages.write(project / folder / file, "left"))


def test_empty_folders_build_nothing_again(project, monkeypatch):
    before = job(project).key
    for folder in ("book", "data", "lib", "notebooks"):
        (project / folder / "empty").mkdir()
    assert job(project).key == before
    assert not page_key(project, monkeypatch)


@pytest.mark.parametrize(
    "file",
    ["book/intro.md", "book/references.bib", "book/_static/a.css", "lib/specialization/a.py"],
)
def test_pages_are_built_again_after_a_change_of_what_they_are_made_of(project, monkeypatch, file):
    assert page_key(project, monkeypatch, lambda: pages.write(project / file, "other"))


def test_a_chapter_that_does_not_import_a_module_is_spared(project):
    assert not changed(project, "lib/specialization/model/planner.py", "TWO = 3\n", name="01_a")


def test_stored_results_count_only_where_they_are_shown(project):
    assert not changed(project, "data/results/one.csv", "a\n2\n", vintages={"public": "hash"})


def test_a_chapter_that_is_not_python_is_one_sentence(project):
    pages.write(project / "notebooks/02_b.md", chapter_text("x = = 1"))
    with pytest.raises(build.BuildError, match=r"02_b.md: not Python: .*x = = 1"):
        job(project, "02_b")


def test_key_changes_with_vintages_data_and_parameters(project):
    keys = {
        job(project, vintages=v, parameters=p).key
        for v in (
            {"synthetic": "seeded"},
            {"synthetic": "seeded", "public": "a"},
            {"synthetic": "seeded", "public": "b"},
        )
        for p in ({}, {"VINTAGE": "public"})
    }
    assert len(keys) == 6


def test_digest_knows_where_one_part_ends():
    assert pages.digest("ab", "c") != pages.digest("a", "bc")


def test_chapters_follow_the_table_of_contents(project):
    assert build.chapters(project) == ["01_a", "02_b"]
    (project / "notebooks" / "03_c.md").write_text("x")
    with pytest.raises(build.BuildError, match="03_c is in notebooks but not in _toc.yml"):
        build.chapters(project)
    (project / "notebooks" / "03_c.md").unlink()
    (project / "notebooks" / "02_b.md").unlink()
    with pytest.raises(build.BuildError, match="02_b is in _toc.yml but not in notebooks"):
        build.chapters(project)


def test_a_broken_output_is_not_fresh(project):
    one = job(project)
    assert not build.is_fresh(one)
    pages.write(one.target, '{"metadata": {"book"')
    assert not build.is_fresh(one)
    pages.write(one.target, json.dumps({"metadata": {"book": {"key": one.key}}}))
    assert build.is_fresh(one)


def test_only_the_touched_chapter_runs_again(project, monkeypatch):
    ran = []

    def pretend(jobs):
        ran.extend(j.name for j in jobs)
        for j in jobs:
            note = {
                "key": j.key,
                "seconds": 1.0,
                "memory_mib": 1,
                "vintages": j.vintages,
                "packages": {"numpy": "1"},
            }
            pages.write(j.target, json.dumps({"metadata": {"book": note}}))

    def pretend_html(root, source, target, strict):
        target.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(build, "execute", pretend)
    monkeypatch.setattr(pages, "sphinx", pretend_html)
    monkeypatch.setattr(pages, "check_page", lambda notebook, page: None)
    rounds = [
        lambda: None,
        lambda: None,
        lambda: pages.write(project / "notebooks/02_b.md", chapter_text("2")),
    ]
    for change in rounds:
        change()
        build.build_book(project, {"synthetic": "seeded"})
        ran.append("|")
    assert ran == ["01_a", "02_b", "|", "|", "02_b", "|"]
    table = (project / "book/notebooks/status_table.md").read_text(encoding="utf-8")
    assert "{doc}`notebooks/02_b` | 1.0 | 1 | synthetic (seeded)" in table
    assert (project / "book/notebooks/downloads/02_b.py").read_text().count("# %%") >= 2


# Execution


def test_failures_tell_their_story_and_spare_the_earlier_output(project, monkeypatch, tmp_path):
    # a kernel that the user has installed, and that leads nowhere
    broken = {
        "argv": ["/nowhere/python", "-f", "{connection_file}"],
        "display_name": "x",
        "language": "python",
    }
    pages.write(tmp_path / "user" / "kernels" / "python3" / "kernel.json", json.dumps(broken))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "user"))
    pages.write(project / "notebooks/02_b.md", chapter_text("raise ValueError('too few zones')"))
    pages.write(project / "notebooks/03_c.md", chapter_text("import os; os.kill(os.getpid(), 9)"))
    jobs = [job(project, name) for name in ("01_a", "02_b", "03_c")]
    pages.write(jobs[1].target, "earlier")
    with pytest.raises(build.BuildError) as caught:
        build.execute(jobs)
    story = str(caught.value)
    assert "02_b.md, code cell 2: ValueError: too few zones" in story
    assert "03_c.md: DeadKernelError" in story and "01_a" not in story
    assert jobs[1].target.read_text(encoding="utf-8") == "earlier" and not jobs[2].target.exists()
    assert build.is_fresh(jobs[0]) and left_over(project) == []
    note = pages.record(jobs[0].target)
    assert note["seconds"] > 0 and 20 < note["memory_mib"] < 2000
    assert note["packages"]["python"] == sys.version.split()[0]
    cells = json.loads(jobs[0].target.read_text(encoding="utf-8"))["cells"]
    assert not any("injected-parameters" in c["metadata"].get("tags", []) for c in cells)
    assert sys.executable in str(cells[-1]["outputs"])


GO = """import sys
sys.path.insert(0, {book!r})
import build, signal
from pathlib import Path
from specialization import store
root = Path({root!r})
store.PACKAGE = root / "lib" / "specialization"
# a shell that starts this in the background lets it ignore the signal
signal.signal(signal.SIGINT, signal.default_int_handler)
build.stop_when_told()
build.execute([build.make_job(root, "01_a", {{"synthetic": "seeded"}})])
"""


@pytest.mark.parametrize(
    "program, number",
    [
        ("builder", signal.SIGINT),
        ("builder", signal.SIGTERM),
        ("builder", signal.SIGHUP),
        ("builder", signal.SIGKILL),
        ("make", signal.SIGTERM),
    ],
)
def test_whatever_ends_the_builder_ends_its_workers_and_kernels(project, program, number):
    # compiled code that never returns to Python, where no handler of the kernel would run
    started = project / "started"
    code = (
        f"import os, re; open({str(started)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\n"
        "import time\ntime.sleep(.5)\nre.match('(a?){60}a{60}', 'a' * 60)"
    )
    pages.write(project / "notebooks/01_a.md", chapter_text(code))
    target = job(project).target
    pages.write(target, "earlier")
    pages.write(project / "book/build.py", GO.format(book=str(BOOK), root=str(project)))
    pages.write(project / "book/environment.sh", "")
    shutil.copy(BOOK.parent / "Makefile", project)
    shutil.copy(BOOK / "environment.py", project / "book")
    command = {
        "builder": [sys.executable, project / "book/build.py"],
        "make": ["make", f"VENV={sys.prefix}", "book"],
    }[program]
    # a shell that lets its children ignore a signal (nohup) says nothing about the builder
    before = signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    process = subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True)
    if number != signal.SIGKILL:
        signal.signal(number, before)
    try:
        deadline = time.monotonic() + 60
        while not (started.exists() and started.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        children = [psutil.Process(int(pid)) for pid in started.read_text().split()]
        process.send_signal(number)  # to this process alone
        assert process.wait(timeout=30) != 0
        _, alive = psutil.wait_procs(children, timeout=15)
        assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
    finally:
        process.kill()
        process.stderr.close()
    assert target.read_text(encoding="utf-8") == "earlier" and left_over(project) == []


def test_a_worker_that_is_told_to_end_takes_its_kernel_along(project):
    code = "import os; os.kill(os.getppid(), 15); import time; time.sleep(600)"
    pages.write(project / "notebooks/01_a.md", chapter_text(code))
    with pytest.raises(build.BuildError, match="01_a.md: its process ended with code 1"):
        build.execute([job(project)])


def settled(path):
    """An executed chapter without what the builder notes of its run."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    noted = notebook["metadata"].pop("book")
    assert {"seconds", "memory_mib"} <= set(noted)
    return notebook


def test_two_builds_give_the_same_bytes_with_one_worker_and_with_two(project):
    # a product whose last digits depend on the threads of the linear algebra; a text in pieces
    pages.write(
        project / "notebooks/01_a.md",
        chapter_text(
            "import sys, time\nimport numpy as np\n"
            "a = np.random.default_rng(0).normal(size=(700, 700))\n"
            "print((a @ a @ a).sum().hex(), set('abcdefgh'), flush=True)\n"
            "time.sleep(.4)\nprint('one'); sys.stdout.flush(); time.sleep(.4); print('two')"
        ),
    )
    builds = []
    for workers in (1, 2):
        build.execute([job(project, "01_a"), job(project, "02_b")], workers)
        builds.append([settled(job(project, name).target) for name in ("01_a", "02_b")])
    assert builds[0] == builds[1]
    cells = builds[0][0]["cells"]
    assert [len(c["outputs"]) for c in cells if c["cell_type"] == "code"] == [0, 1]
    assert all(set(c["metadata"]) <= {"tags"} for c in cells)
    assert set(builds[0][0]["metadata"]) == {"jupytext", "kernelspec", "language_info"}


def test_linear_algebra_has_one_thread_however_many_workers_there_are(project):
    pages.write(
        project / "notebooks/01_a.md",
        chapter_text(
            "import numba\nprint(numba.get_num_threads())\n"
            "from threadpoolctl import threadpool_info\nimport numpy\n"
            "print({p['num_threads'] for p in threadpool_info() if p['user_api'] == 'blas'})"
        ),
    )
    build.execute([job(project)], 1)
    text = settled(job(project).target)["cells"][-1]["outputs"][0]["text"]
    lines = "".join(text).splitlines()
    assert lines == [str(environment.cores()), "{1}"]


def test_what_differs_between_runs_is_left_out():
    stream = nbformat.v4.new_output("stream", name="stdout", text="a")
    outputs = [
        stream,
        nbformat.v4.new_output("stream", name="stdout", text="b"),
        nbformat.v4.new_output("display_data", data={"text/plain": "t"}),
        nbformat.v4.new_output("stream", name="stdout", text="c"),
        nbformat.v4.new_output("stream", name="stderr", text="d"),
    ]
    cell = nbformat.v4.new_code_cell(
        "1",
        outputs=outputs,
        metadata={
            "papermill": {"duration": 1},
            "execution": {"shell.execute_reply": "t"},
            "tags": ["x"],
        },
    )
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"duration": 1}})
    execute.settle(notebook)
    assert notebook.metadata == {} and cell.metadata == {"tags": ["x"]}
    assert [o.get("text") for o in cell.outputs] == ["ab", None, "c", "d"]


def test_a_kernel_that_is_done_is_not_interrupted(project, capfd):
    # it would call that an error, now and then, on the terminal
    said = project / "interrupted"
    pages.write(
        project / "notebooks/01_a.md",
        chapter_text(
            "import signal, ipykernel.kernelbase\n"
            f"signal.signal(signal.SIGINT, lambda *_: open({str(said)!r}, 'w').close())\n"
            "ipykernel.kernelbase.signal = lambda *_: None   # it would set its own again"
        ),
    )
    build.execute([job(project, "01_a"), job(project, "02_b")])
    assert not said.exists()
    heard = capfd.readouterr()
    lines = [
        line
        for line in (heard.out + heard.err).replace("\r", "\n").splitlines()
        if line.strip() and not line.startswith(("chapters:", "01_a:", "02_b:"))
    ]
    assert lines == []


def test_what_a_kernel_says_past_its_notebook_reaches_the_terminal(project, capfd):
    pages.write(
        project / "notebooks/01_a.md", chapter_text("import os; os.write(2, b'a real error')")
    )
    build.execute([job(project)])
    assert "a real error" in capfd.readouterr().err


def test_no_build_needs_semaphores(project):
    # they live in /dev/shm, which may be full, or not there at all
    refuse = (
        "import _multiprocessing\n"
        "class Refuse:\n    SEM_VALUE_MAX = 1\n"
        "    def __init__(self, *_, **__):\n"
        "        raise OSError(28, 'No space left on device')\n"
        "_multiprocessing.SemLock = Refuse\n"
    )
    pages.write(project / "go.py", refuse + GO.format(book=str(BOOK), root=str(project)))
    done = subprocess.run([sys.executable, project / "go.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert build.is_fresh(job(project))


# Parameters


TYPED = """---
kernelspec:
  name: python3
  display_name: Python 3
---

```{code-cell} ipython3
:tags: [parameters]

VINTAGE = "all"
θ = 0.10            # loan to value
φ = 1.0             # adjustment cost; 0.5 to 4
industry = 0        # which one; 0 or 1
μ = 1e-4
shown = True
```
"""


@pytest.fixture
def typed(project):
    pages.write(project / "notebooks/01_a.md", TYPED)
    return lambda *texts: build.read_parameters(project, "01_a", texts)


def test_parameters_have_the_types_of_the_defaults(typed):
    assert typed("θ=5e-2", "μ=1e-3", "industry=1") == {"θ": 0.05, "μ": 0.001, "industry": 1}
    assert typed("θ=0", "shown=false")["shown"] is False
    for text in ("synthetic", '"synthetic"', " synthetic "):  # quotes that no shell took away
        assert typed(f"VINTAGE={text}") == {"VINTAGE": "synthetic"}
    assert typed("θ='0.2'", " φ = 2") == {"θ": 0.2, "φ": 2.0}
    assert typed("\u00b5=2") == {"μ": 2.0}  # the micro sign of a keyboard, as Python reads it


@pytest.mark.parametrize(
    "text, words",
    [
        ("HORZON=70", r"no parameter 'HORZON'; valid: VINTAGE \(default 'all'\), θ"),
        ("θ=0,05", "θ = '0,05' is not a number, as its default 0.1 is"),
        ("θ=", "θ = '' is not a number"),
        ("θ=nan", "not a number"),
        ("θ=inf", "not a number"),
        ("industry=A", "industry = 'A' is not a whole number"),
        ("industry=.5", "not a whole number"),
        ("industry=inf", "not a whole number"),
        ("shown=maybe", "not true or false"),
        ("φ=4.1", r"φ = 4.1; valid: 0.5 to 4"),
        ("φ=.4", r"φ = 0.4; valid: 0.5 to 4"),
        ("industry=2", "industry = 2; valid: 0 or 1"),
        *(
            (f"VINTAGE={text}", f"no vintage '{text}' here")
            for text in ("no", "2020", "2020-01-01", "null", "1e3", "")
        ),
        ("θ=-1", "θ"),
    ],
)
def test_a_parameter_that_cannot_be_is_one_sentence(typed, text, words):
    with pytest.raises((build.BuildError, store.DataError), match=words) as caught:
        typed(text)
    assert "\n" not in str(caught.value)


def test_a_parameter_given_twice_is_refused(typed):
    with pytest.raises(build.BuildError, match="θ is given twice"):
        typed("θ=0.1", "θ=0.2")


def test_make_hands_on_what_is_typed_as_it_is():
    words = ["a=(1,2)", "b=`x`", "c=x;y", "d='1'", 'e="2"', "f<g=1", "$HOME=1"]
    folder = Path(build.__file__).parents[1]
    said = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "-n",
            "chapter",
            "NAME=it's",
            "PARAMS=" + " ".join(words),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        # not as a part of the make that may have started the tests
        env={k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))},
    ).stdout
    command = said[said.rindex("exec ") :].replace("exec", "printf '%s\\n'", 1)
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[4:] == ["it's", *words]


def test_variants_with_different_parameters_never_share_a_file(project):
    several = [
        {"VINTAGE": "a,b"},
        {"VINTAGE": "a b"},
        {"VINTAGE": "a/b"},
        {"VINTAGE": "A/b"},
        {"x": 1.0, "y": 2.0},
        {"x": 2.0, "y": 1.0},
        {"x": 1},
        {"x": "1"},
        {"x": "é"},
        {"x": "a" * 300},
        {"x": "a" * 301},
    ]
    files = {str(job(project, parameters=p).target).lower() for p in several}
    assert len(files) == len(several) and str(job(project).target).lower() not in files
    assert all(len(Path(f).name) < 120 for f in files)
    there, back = ({"x": 1.0, "y": 2.0}, {"y": 2.0, "x": 1.0})
    assert job(project, parameters=there) == job(project, parameters=back)


def test_exit_codes(monkeypatch, capsys):
    def fail(error):
        def raising(*_):
            raise error

        return raising

    monkeypatch.setattr(build, "available_vintages", lambda: {"synthetic": "seeded"})
    monkeypatch.delenv("CI", raising=False)
    for error, code in ((build.BuildError("02_b failed"), 1), (KeyboardInterrupt(), 130)):
        monkeypatch.setattr(build, "build_book", fail(error))
        assert build.main([]) == code
    assert "error: 02_b failed" in capsys.readouterr().err
    assert build.main(["99_none"]) == 1 and build.main([""]) == 1
    assert "no chapter '99_none'; valid: 01_" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        build.main(["01_a", "VINTAGE"])


# Pages


def test_a_failed_html_build_spares_the_earlier_pages(project, monkeypatch):
    pages.write(project / "_build/html/index.html", "earlier")

    def failing(command, **_):
        pages.write(Path(command[command.index("--path-output") + 1], "_build/html/x"), "half")
        return subprocess.CompletedProcess(command, 1, "", "\x1b[91mWARNING: no such label\x1b[0m")

    monkeypatch.setattr(pages.subprocess, "run", failing)
    with pytest.raises(build.BuildError, match="\nWARNING: no such label$"):
        pages.build_html(project)
    assert [p.name for p in (project / "_build").rglob("*")] == ["html", "index.html"]


def test_pages_are_built_again_only_if_they_changed(project, monkeypatch):
    def pretend(root, source, target, strict):
        target.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(pages, "sphinx", pretend)
    assert pages.build_html(project)
    assert not pages.build_html(project)
    pages.write(project / "book/intro.md", "# other\n")
    assert pages.build_html(project)


def test_launch_pairs_only_with_a_repository(project):
    pages.launch_pairs(project, ["01_a"])
    assert not list((project / "notebooks").glob("*.ipynb"))
    pages.write(project / "_config.yml", "repository:\n  url: https://example.org/book\n")
    pages.launch_pairs(project, ["01_a"])
    pair = (project / "notebooks/01_a.ipynb").read_text(encoding="utf-8")
    pages.launch_pairs(project, ["01_a"])
    assert (project / "notebooks/01_a.ipynb").read_text() == pair  # the same every time
    assert all(not c.get("outputs") for c in json.loads(pair)["cells"])


CELLS = [
    nbformat.v4.new_markdown_cell("```{glue:figure} one\n:alt: a\n```"),
    nbformat.v4.new_code_cell(
        "1",
        outputs=[
            nbformat.v4.new_output("display_data", data={"text/html": f"{pages.TABLE}t</figure>"})
        ],
    ),
    nbformat.v4.new_code_cell(
        "2",
        metadata={"tags": ["remove-output"]},
        outputs=[nbformat.v4.new_output("display_data", data={"image/png": "x"})],
    ),
]


@pytest.mark.parametrize("images, tables, good", [(1, 1, True), (0, 1, False), (1, 0, False)])
def test_a_page_must_show_what_its_chapter_makes(tmp_path, images, tables, good):
    notebook, page = tmp_path / "01_a.ipynb", tmp_path / "01_a.html"
    nbformat.write(nbformat.v4.new_notebook(cells=CELLS), notebook)
    pages.write(
        page,
        f"<img src='logo'><article>{'<img src=a>' * images}"
        f"{(pages.TABLE + 't</figure>') * tables}</article>",
    )
    if good:
        pages.check_page(notebook, page)
    else:
        words = f"01_a.html shows {images} images and {tables} tables; its chapter makes 1 and 1"
        with pytest.raises(build.BuildError, match=words):
            pages.check_page(notebook, page)


@pytest.mark.parametrize("folder", ["", "book"])
def test_links_to_edit_a_page_lead_to_its_source(project, folder):
    pages.write(
        project / "_config.yml",
        f"""title: t
execute: {{execute_notebooks: "off"}}
only_build_toc_files: true
repository: {{url: "https://github.com/who/what", path_to_book: "{folder}", branch: main}}
html: {{use_edit_page_button: true, use_repository_button: true}}
""",
    )
    for name in ("01_a", "02_b"):
        source = pages.read_chapter(project / f"notebooks/{name}.md")
        pages.write(project / f"book/notebooks/{name}.ipynb", nbformat.writes(source))
    pages.build_html(project)
    for page, source in (("intro", "book/intro.md"), ("notebooks/01_a", "notebooks/01_a.md")):
        text = (project / f"_build/html/{page}.html").read_text(encoding="utf-8")
        found = set(re.findall(r'href="https://github.com/who/what/edit/([^"]*)"', text))
        assert found == {f"main/{source}"}
        assert (project / source).is_file()


@pytest.mark.slow
def test_two_builds_of_real_chapters_are_equal(tmp_path):
    names, builds = ["01_data", "03_dynamics"], []
    for workers in (1, 2):
        jobs = [
            replace(job(build.ROOT, name), target=tmp_path / f"{workers}.{name}") for name in names
        ]
        build.execute(jobs, workers)
        builds.append([settled(j.target) for j in jobs])
    assert builds[0] == builds[1]


def test_a_kernel_whose_port_another_program_took_starts_again(monkeypatch):
    import execute

    job = SimpleNamespace(source=None, parameters={})
    monkeypatch.setattr(execute, "read_chapter", lambda source: source)
    said = []

    def start(*_, **__):
        if said:
            raise RuntimeError(said.pop())
        return "executed"

    monkeypatch.setattr(execute.papermill, "execute_notebook", start)
    taken = "Kernel died before replying to kernel_info"
    said += [taken, taken]
    assert execute._executed(job) == "executed" and not said
    for words in ([taken] * 3, ["Kernel died"]):
        said[:] = words
        with pytest.raises(RuntimeError, match="Kernel died"):
            execute._executed(job)
        assert not said
