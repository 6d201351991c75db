"""Turn executed chapters into the pages of the book: downloads, status tables, HTML."""

import contextlib
import errno
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

INPUT = re.compile(
    r"[\w-]+\.(?:md|ipynb|bib|css|js|html|svg|png|jpg|py|csv|toml|json)", re.IGNORECASE
)
"""Names that an input can have. What systems, editors, Git, downloads and synchronisation leave
behind has other ones: hidden files, backups, swap and lock files, halves, compiled code, output of
`nohup`, "zones (1).csv", "intro.sync-conflict-20260101.md"."""

TABLE = '<figure class="table-figure">'
"""How a table of a chapter begins."""


class BuildError(Exception):
    """What stopped the build, in words for its user."""


def digest(*parts):
    """Short hash of a sequence of texts and bytes."""
    total = hashlib.sha256()
    for part in parts:
        part = part if isinstance(part, bytes) else str(part).encode()
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:16]


def is_input(path):
    """Whether a file can be an input of the book."""
    return bool(INPUT.fullmatch(path.name)) and path.is_file()


def content(root, *folders, skip=()):
    """Relative path and bytes of every input of the folders, one after the other."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            parts = path.relative_to(root / folder).parts
            hidden = any(part.startswith((".", "$")) or part == "__pycache__" for part in parts)
            if parts[0] not in skip and not hidden and is_input(path):
                yield path.relative_to(root).as_posix()
                yield path.read_bytes()


@contextlib.contextmanager
def writing(folder):
    """Say in one sentence that the system refuses to write to a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        yield
    except OSError as error:
        raise BuildError(
            f"{folder} cannot be written ({error.strerror or error}); free some space, or work "
            "in a folder that is yours to write"
        ) from error


def write(path, text):
    """Write a file as a whole or not at all; `BuildError` where the system refuses."""
    part = path.with_name(f".{path.name}.part")
    with writing(path.parent):
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
    lines = [
        "| chapter | seconds | peak MiB | vintages (hash of the data) | download |",
        "|---|---:|---:|---|---|",
    ]
    for name, r in records.items():
        vintages = ", ".join(f"{k} ({v[:8]})" for k, v in r["vintages"].items())
        files = (
            (".ipynb", f"{name}.ipynb"),
            (".md", f"downloads/{name}.md"),
            (".py", f"downloads/{name}.py"),
        )
        links = " ".join(f"{{download}}`{kind} <notebooks/{path}>`" for kind, path in files)
        lines.append(
            f"| {{doc}}`notebooks/{name}` | {r['seconds']:.1f} | {r['memory_mib']} "
            f"| {vintages} | {links} |"
        )
    return "\n".join(lines) + "\n"


def versions_table(records):
    """Markdown table of the versions that the chapters ran with."""
    versions = {}
    for r in records.values():
        for package, version in r["packages"].items():
            versions.setdefault(package, set()).add(version)
    lines = [f"| {package} | {', '.join(sorted(seen))} |" for package, seen in versions.items()]
    return "\n".join(["| package | version |", "|---|---|", *lines]) + "\n"


def repository(root):
    """Address of the repository in _config.yml; None if none is set."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return (config.get("repository") or {}).get("url")


def launch_pairs(root, names):
    """Unexecuted notebooks/NN_name.ipynb, for launch links to a repository of the user's."""
    if repository(root):
        for name in names:
            source = root / "notebooks" / f"{name}.md"
            write(source.with_suffix(".ipynb"), nbformat.writes(read_chapter(source)))


def sphinx(root, source, target, strict):
    """Build `source` into `target`, which changes only if the build succeeds."""
    work = root / "_build" / f"new.{os.getpid()}"
    command = [
        sys.executable,
        "-P",
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(source),
        "--config",
        str(root / "_config.yml"),
        "--toc",
        str(root / "_toc.yml"),
        "--path-output",
        str(work),
        "-q",
    ]
    try:
        work.mkdir(parents=True)
        done = subprocess.run(
            [*command, *(["-W", "-n", "--keep-going"] if strict else [])],
            capture_output=True,
            encoding="utf-8",
            cwd=work,  # empty: what lies in the project's folder sets nothing
        )
        if done.returncode:
            raise BuildError("the HTML build failed\n" + plain(done.stderr or done.stdout)[-4000:])
        mend_links(root, work / "_build" / "html")
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(work / "_build" / "html", target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def mend_links(root, html):
    """Lead links to the source of a page to the file to edit: book/ for pages, the chapter's text
    for chapters. Launch links keep the notebook that `launch_pairs` writes."""
    for path in html.rglob("*.html") if repository(root) else ():
        page = path.relative_to(html).with_suffix("").as_posix()
        folder, ending = ("", "md") if page.startswith("notebooks/") else ("book/", r"\2")
        text = path.read_text(encoding="utf-8")
        mended = re.sub(
            rf"(/(?:edit|blob)/[^\"]+?/)(?:book/)?{re.escape(page)}\.(md|ipynb)(?=\")",
            rf"\g<1>{folder}{page}.{ending}",
            text,
        )
        if mended != text:
            write(path, mended)


def build_html(root, names=()):
    """Build the pages if anything they are made of has changed; returns whether it did."""
    target = root / "_build" / "html"
    stamp = target / ".key"
    files = [(root / f).read_bytes() for f in ("_config.yml", "_toc.yml", "requirements.lock")]
    key = digest(*content(root, "book", "lib"), *files)  # docstrings make a page
    if stamp.exists() and stamp.read_text(encoding="utf-8") == key:
        return False
    print("building the pages ...", flush=True)
    sphinx(root, root / "book", target, strict=True)
    for name in names:
        check_page(
            root / "book" / "notebooks" / f"{name}.ipynb", target / "notebooks" / f"{name}.html"
        )
    write(stamp, key)
    return True


def shown(notebook):
    """How many images and tables the page of an executed chapter must show."""
    images = tables = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            images += cell.source.count("{glue:figure}")
            tables += cell.source.count("{glue} ")  # a table that stands before its computation
        elif cell.cell_type == "code" and not {"remove-output", "remove-cell"} & set(
            cell.metadata.get("tags", [])
        ):
            for output in cell.outputs:
                data = output.get("data", {})
                images += "image/png" in data
                tables += TABLE in data.get("text/html", "")
    return images, tables


def check_page(notebook, page):
    """Raise `BuildError` unless the page shows every image and table that its chapter makes."""
    wanted = shown(nbformat.read(notebook, as_version=4))
    text = page.read_text(encoding="utf-8")
    text = text[text.index("<article") : text.index("</article>")]
    found = text.count("<img "), text.count(TABLE)
    if found != wanted:
        raise BuildError(
            f"{page.name} shows {found[0]} images and {found[1]} tables; "
            f"its chapter makes {wanted[0]} and {wanted[1]}"
        )


def preview(root, variant, name, scratch):
    """Pages with one chapter's variant in the place of the published one; returns its page."""
    source = Path(scratch, "book")
    shutil.copytree(root / "book", source)
    (source / "notebooks").mkdir(exist_ok=True)
    shutil.copy(variant, source / "notebooks" / f"{name}.ipynb")
    target = root / "_build" / "chapters" / variant.stem
    sphinx(root, source, target, strict=False)
    return target / "notebooks" / f"{name}.html"
