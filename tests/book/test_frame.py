"""The frame of the project: lock, environment, table of contents, commands, what is ignored."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import build
import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def read_yaml(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def entries():
    """Requirement and hashes of each entry of the lock."""
    for entry in LOCK.replace("\\\n", " ").splitlines():
        requirement, *hashes = entry.split(" --hash=")
        yield Requirement(requirement.strip()), hashes


def project_files():
    """Files of the project: those git tracks, or does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [p for name in listed.stdout.splitlines() if (p := ROOT / name).is_file()]


# The environment


def test_every_package_of_the_lock_is_pinned_and_hashed():
    for requirement, hashes in entries():
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", h) for h in hashes)
    assert "://" not in LOCK and "--index" not in LOCK and "--find-links" not in LOCK


def test_the_lock_holds_what_the_project_asks_for():
    locked = {}
    for requirement, _ in entries():
        locked.setdefault(requirement.name, []).append(next(iter(requirement.specifier)).version)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for wanted in map(Requirement, project["dependencies"]):
        versions = locked[wanted.name.lower()]
        assert all(wanted.specifier.contains(v) for v in versions), (wanted, versions)


def test_conda_gets_the_same_lock():
    python, pip, requirements = read_yaml("environment.yml")["dependencies"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = python.split("=")
    assert name == "python" and pip == "pip"
    assert Requirement(f"python{project['requires-python']}").specifier.contains(version)
    assert requirements == {"pip": ["-r requirements.lock"]}


# The book


def test_the_table_of_contents_lists_every_page_and_chapter():
    listed = list(build.toc_files(read_yaml("_toc.yml")))
    there = {p.stem for p in (ROOT / "book").glob("*.md")}
    assert len(listed) == len(set(listed))
    assert {f for f in listed if not f.startswith("notebooks/")} == there
    assert build.chapters(ROOT)  # raises where notebooks/ and the list differ


@pytest.mark.parametrize("name", build.chapters(ROOT))
def test_chapters_open_with_parameters_and_with_data_show_every_vintage_by_default(name):
    notebook = build.read_chapter(ROOT / "notebooks" / f"{name}.md")
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert "parameters" in code[0].metadata.get("tags", [])
    data = any("results." in c.source or "vintages." in c.source for c in code)
    assert data == ('VINTAGE = "all"' in code[0].source)
    if not data:
        captions = re.findall(
            r"```{glue:figure} .*?```", "".join(c.source for c in notebook.cells), re.DOTALL
        )
        assert captions and all("no data" in " ".join(c.split()) for c in captions)


def test_labels_name_one_thing_in_the_whole_book():
    pages = [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]
    form = re.compile(r"^(?::(?:label|name): (\S+)|\$\$ \((\S+)\)|\((\S+)\)=)$", re.M)
    labels = ["".join(found) for page in pages for found in form.findall(page.read_text("utf-8"))]
    assert len(labels) > 100
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


def test_pages_load_nothing_from_outside():
    config = read_yaml("_config.yml")
    assert config["execute"]["execute_notebooks"] == "off"
    assert "sphinx-mathjax-offline" in config["sphinx"]["extra_extensions"]
    assert not config.get("repository"), "a launch link needs a repository that exists"
    assert "//" not in re.sub(r"/\*.*?\*/", "", (ROOT / "book/_static/book.css").read_text())


# Commands and files


def test_the_readme_names_commands_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {"book", "test"} <= set(named) <= targets


def test_the_readme_has_the_commands_on_its_first_screen():
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:12]
    assert any("make book" in line for line in first)
    assert any("make test" in line for line in first)


def test_the_ci_runs_the_tests_of_the_readme():
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make test\n" in script and "make book\n" in script and "-m slow" in script


@pytest.mark.parametrize(
    "path",
    [
        ".venv/bin/python",
        "_build/html/index.html",
        "book/notebooks/01_data.ipynb",
        "data/cache/raw/a.csv",
        "data/ipums/extract.dat.gz",
        "usa_00001.dat.gz",
        "usa_00001.xml",
        "lib/specialization/__pycache__/a.pyc",
        ".pytest_cache/a",
        ".hypothesis/a",
        "notebooks/.ipynb_checkpoints/a.ipynb",
    ],
)
def test_git_ignores_what_is_made_or_must_not_be_shared(path):
    done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
    if done.returncode == 128:
        pytest.skip("not a git checkout")
    assert done.returncode == 0


def test_scripts_and_tables_have_the_same_bytes_in_every_checkout():
    files = ["book/environment.sh", ".ci/run", "Makefile", "data/zones.csv", "lib/a.py"]
    done = subprocess.run(
        ["git", "check-attr", "text", "eol", "--", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    assert done.stdout.splitlines() == [
        f"{file}: {attribute}" for file in files for attribute in ("text: auto", "eol: lf")
    ]


def test_a_checkout_with_the_line_ends_of_windows_has_the_same_bytes(tmp_path):
    kinds = {p.suffix or p.name: p for p in project_files()}  # one file of each
    texts = {f"a{suffix}" if suffix[0] == "." else suffix: p for suffix, p in kinds.items()}
    contents = {name: p.read_bytes() for name, p in texts.items() if name != "a.gitattributes"}
    contents |= {".gitattributes": (ROOT / ".gitattributes").read_bytes()}
    contents |= {f"a{s}": b"\r\n\n text" for s in (".png", ".xlsx", ".gz", ".rda", ".woff2")}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    git = ["git", "-c", "core.autocrlf=true", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "-f", "."], ["commit", "-qm", "a"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True, capture_output=True)
    for name in contents:
        if name != ".gitattributes":
            (tmp_path / name).unlink()
    subprocess.run([*git, "checkout", "-q", "--", "."], cwd=tmp_path, check=True)
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents


@pytest.mark.parametrize(
    "path",
    [
        p.relative_to(ROOT).as_posix()
        for folder in ("lib", "book")
        for p in sorted((ROOT / folder).rglob("*.py"))
    ],
)
def test_every_text_file_is_read_and_written_in_a_named_encoding(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            text = getattr(node.func, "id", "") == "open" or getattr(node.func, "attr", "") in (
                "read_text",
                "write_text",
            )
            mode = [str(a.value) for a in node.args[1:2] if isinstance(a, ast.Constant)]
            named = any(k.arg == "encoding" for k in node.keywords) or mode == ["rb"]
            assert named or not text, f"{path}:{node.lineno}: no encoding"


def test_no_file_names_a_folder_of_one_machine():
    home = re.compile(rb"(?<![\w.~])/(?:home|root|Users|mnt|opt)/[\w.]+")
    for path in project_files():
        found = home.search(path.read_bytes())
        assert not found, f"{path.relative_to(ROOT)}: {found.group().decode()}"


def test_no_raw_data_and_no_large_file_is_kept():
    for path in project_files():
        size = path.stat().st_size
        assert size < 1_000_000, f"{path.relative_to(ROOT)} has {size} bytes"
        assert path.suffix not in {".rda", ".dta", ".xls", ".xlsx", ".parquet", ".gz", ".xz"}
