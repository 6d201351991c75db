"""Turn executed chapters into the pages of the book: downloads, status tables, HTML."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import yaml


class BuildError(Exception):
    """What stopped the build, in words for its user."""


def digest(*parts):
    """Short hash of a sequence of texts and bytes."""
    total = hashlib.sha256()
    for part in parts:
        part = part if isinstance(part, bytes) else str(part).encode()
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:16]


def content(root, *folders, skip=()):
    """Relative path and bytes of every file of the folders, one after the other."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            parts = path.relative_to(root / folder).parts
            if parts[0] not in skip and "__pycache__" not in parts and path.is_file():
                yield path.relative_to(root).as_posix()
                yield path.read_bytes()


def write(path, text):
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def plain(text):
    """Text without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def record(path):
    """What the runner noted in an executed chapter; empty if there is none, or a broken one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["metadata"]["book"]
    except (OSError, ValueError, KeyError):
        return {}


def read_chapter(path):
    """A chapter's text as a notebook, the same one every time."""
    notebook = jupytext.read(path, fmt="md:myst")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def publish(root, names):
    """Files for download and the tables of book/status.md, from the executed chapters."""
    folder = root / "book" / "notebooks"
    for old in folder.glob("*.ipynb"):
        if old.stem not in names:
            old.unlink()
    for name in names:
        source = root / "notebooks" / f"{name}.md"
        write(folder / "downloads" / f"{name}.md", source.read_text(encoding="utf-8"))
        script = jupytext.writes(read_chapter(source), "py:percent")
        write(folder / "downloads" / f"{name}.py", script)
    records = {name: record(folder / f"{name}.ipynb") for name in names}
    write(folder / "status_table.md", status_table(records))
    write(folder / "versions_table.md", versions_table(records))


def status_table(records):
    """Markdown table of time, memory, vintages and downloads of each chapter."""
    lines = ["| chapter | seconds | peak MiB | vintages (hash of the data) | download |",
             "|---|---:|---:|---|---|"]
    for name, r in records.items():
        vintages = ", ".join(f"{k} ({v[:8]})" for k, v in r["vintages"].items())
        files = ((".ipynb", f"{name}.ipynb"), (".md", f"downloads/{name}.md"),
                 (".py", f"downloads/{name}.py"))
        links = " ".join(f"{{download}}`{kind} <notebooks/{path}>`" for kind, path in files)
        lines.append(f"| {{doc}}`notebooks/{name}` | {r['seconds']:.1f} | {r['memory_mib']} "
                     f"| {vintages} | {links} |")
    return "\n".join(lines) + "\n"


def versions_table(records):
    """Markdown table of the versions that the chapters ran with."""
    versions = {}
    for r in records.values():
        for package, version in r["packages"].items():
            versions.setdefault(package, set()).add(version)
    lines = [f"| {package} | {', '.join(sorted(seen))} |" for package, seen in versions.items()]
    return "\n".join(["| package | version |", "|---|---|", *lines]) + "\n"


def launch_pairs(root, names):
    """Unexecuted notebooks/NN_name.ipynb, for launch links to a repository of the user's."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    if config.get("repository", {}).get("url"):
        for name in names:
            source = root / "notebooks" / f"{name}.md"
            write(source.with_suffix(".ipynb"), nbformat.writes(read_chapter(source)))


def sphinx(root, source, target, strict):
    """Build `source` into `target`, which changes only if the build succeeds."""
    work = root / "_build" / f"new.{os.getpid()}"
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build",
               str(source), "--config", str(root / "_config.yml"), "--toc",
               str(root / "_toc.yml"), "--path-output", str(work), "-q"]
    try:
        work.mkdir(parents=True)
        done = subprocess.run([*command, *(["-W", "-n", "--keep-going"] if strict else [])],
                              capture_output=True, text=True, cwd=root)
        if done.returncode:
            raise BuildError("the HTML build failed\n" + plain(done.stderr or done.stdout)[-4000:])
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(work / "_build" / "html", target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def build_html(root):
    """Build the pages if anything they are made of has changed; returns whether it did."""
    target = root / "_build" / "html"
    stamp = target / ".key"
    files = [(root / f).read_bytes() for f in ("_config.yml", "_toc.yml", "requirements.lock")]
    key = digest(*content(root, "book"), *files)
    if stamp.exists() and stamp.read_text() == key:
        return False
    print("building the pages ...", flush=True)
    sphinx(root, root / "book", target, strict=True)
    write(stamp, key)
    return True


def preview(root, variant, name, scratch):
    """Pages with one chapter's variant in the place of the published one; returns its page."""
    source = Path(scratch, "book")
    shutil.copytree(root / "book", source)
    (source / "notebooks").mkdir(exist_ok=True)
    shutil.copy(variant, source / "notebooks" / f"{name}.ipynb")
    target = root / "_build" / "chapters" / variant.stem
    sphinx(root, source, target, strict=False)
    return target / "notebooks" / f"{name}.html"
