"""The runner, on tiny projects: what is executed again, and what a failure leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import build
import pages
import pytest

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
def project(tmp_path):
    """A project in a folder whose name has a space."""
    root = tmp_path / "a project"
    files = {
        "_toc.yml": "root: intro\nchapters:\n- file: notebooks/01_a\n- file: notebooks/02_b\n",
        "_config.yml": "title: t\n",
        "requirements.lock": "numpy==1\n",
        "notebooks/01_a.md": chapter_text("import sys; print(sys.executable, VINTAGE)"),
        "notebooks/02_b.md": chapter_text("1 + 1"),
        "lib/specialization/__init__.py": "",
        "data/table.csv": "a\n1\n",
        "data/cache/raw.bin": "x",
        "book/intro.md": "# t\n",
    }
    for name, text in files.items():
        pages.write(root / name, text)
    return root


def job(root, name="01_a", vintages=None, parameters=None):
    vintages = vintages or {"synthetic": "seeded"}
    common = build.common_key(root, vintages)
    return build.make_job(root, name, vintages, common, parameters)


def left_over(root):
    return [p.name for p in root.rglob("*.part")]


# Keys


@pytest.mark.parametrize("file", [
    "notebooks/01_a.md", "lib/specialization/__init__.py", "lib/specialization/new.py",
    "book/figures.py",     "data/table.csv", "data/results/new.csv", "requirements.lock"])
def test_key_changes_with_what_a_chapter_depends_on(project, file):
    before = job(project).key
    pages.write(project / file, "changed")
    assert job(project).key != before


@pytest.mark.parametrize("file", [
    "notebooks/02_b.md", "book/intro.md", "data/cache/raw.bin", "data/ipums/extract.xml",
    "lib/specialization/__pycache__/a.pyc", "_config.yml"])
def test_key_does_not_change_with_anything_else(project, file):
    before = job(project).key
    pages.write(project / file, "changed")
    assert job(project).key == before


def test_key_changes_with_vintages_data_and_parameters(project):
    keys = {job(project, vintages=v, parameters=p).key
            for v in ({"synthetic": "seeded"}, {"synthetic": "seeded", "public": "a"},
                      {"synthetic": "seeded", "public": "b"})
            for p in ({}, {"VINTAGE": "public"})}
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
            note = {"key": j.key, "seconds": 1.0, "memory_mib": 1, "vintages": j.vintages,
                    "packages": {"numpy": "1"}}
            pages.write(j.target, json.dumps({"metadata": {"book": note}}))

    def pretend_html(root, source, target, strict):
        target.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(build, "execute", pretend)
    monkeypatch.setattr(pages, "sphinx", pretend_html)
    rounds = [lambda: None, lambda: None,
              lambda: pages.write(project / "notebooks/02_b.md", chapter_text("2"))]
    for change in rounds:
        change()
        build.build_book(project, {"synthetic": "seeded"})
        ran.append("|")
    assert ran == ["01_a", "02_b", "|", "|", "02_b", "|"]
    table = (project / "book/notebooks/status_table.md").read_text()
    assert "{doc}`notebooks/02_b` | 1.0 | 1 | synthetic (seeded)" in table
    assert (project / "book/notebooks/downloads/02_b.py").read_text().count("# %%") >= 2


# Execution


def test_failures_tell_their_story_and_spare_the_earlier_output(project, monkeypatch, tmp_path):
    # a kernel that the user has installed, and that leads nowhere
    broken = {"argv": ["/nowhere/python", "-f", "{connection_file}"], "display_name": "x",
              "language": "python"}
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
    assert jobs[1].target.read_text() == "earlier" and not jobs[2].target.exists()
    assert build.is_fresh(jobs[0]) and left_over(project) == []
    note = pages.record(jobs[0].target)
    assert note["seconds"] > 0 and 20 < note["memory_mib"] < 2000
    assert note["packages"]["python"] == sys.version.split()[0]
    cells = json.loads(jobs[0].target.read_text())["cells"]
    assert not any("injected-parameters" in c["metadata"].get("tags", []) for c in cells)
    assert sys.executable in str(cells[-1]["outputs"])


def test_an_interrupt_leaves_nothing_half_written(project):
    text = chapter_text("open('started', 'w').write('x')\nimport time; time.sleep(600)")
    pages.write(project / "notebooks/01_a.md", text)
    target = job(project).target
    pages.write(target, "earlier")
    script = (f"import build, signal; from pathlib import Path; root = Path({str(project)!r})\n"
              "if __name__ == '__main__':\n"
              "    # a shell that starts this in the background lets it ignore the signal\n"
              "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
              "    vintages = {'synthetic': 'seeded'}\n"
              "    key = build.common_key(root, vintages)\n"
              "    build.execute([build.make_job(root, '01_a', vintages, key)])\n")
    pages.write(project / "go.py", script)
    environment = {**os.environ, "PYTHONPATH": str(Path(build.__file__).parent)}
    process = subprocess.Popen([sys.executable, project / "go.py"], env=environment,
                               stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (project / "notebooks/started").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)  # to the runner alone: it has to stop its children
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode != 0 and "KeyboardInterrupt" in errors
    assert target.read_text() == "earlier" and left_over(project) == []


def test_a_write_that_fails_leaves_the_earlier_file(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    pages.write(target, "earlier")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pages.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        pages.write(target, "later")
    assert target.read_text() == "earlier" and left_over(tmp_path) == []


def test_unknown_parameter_names_the_valid_ones(project):
    build.check_parameters(job(project, parameters={"HORIZON": 70}))
    with pytest.raises(build.BuildError, match=r"no parameter 'HORZON'; valid: VINTAGE .*HORIZON"):
        build.check_parameters(job(project, parameters={"HORZON": 70}))


def test_a_variant_has_a_file_of_its_own(project):
    variant = job(project, parameters={"VINTAGE": "synthetic, public"})
    assert variant.target == project / "_build/chapters/01_a.synthetic-public.ipynb"
    assert variant.target != job(project).target


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
    assert build.main(["99_none"]) == 1
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
    pair = (project / "notebooks/01_a.ipynb").read_text()
    pages.launch_pairs(project, ["01_a"])
    assert (project / "notebooks/01_a.ipynb").read_text() == pair  # the same every time
    assert all(not c.get("outputs") for c in json.loads(pair)["cells"])
