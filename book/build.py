"""Run the chapters and build the HTML book; only what has changed is done again.

python book/build.py                        the book
python book/build.py 01_data                one chapter again, then the book
python book/build.py 01_data VINTAGE=public a variant of a chapter, beside the book
"""

import argparse
import ast
import json
import math
import os
import re
import signal
import sys
import tempfile
import unicodedata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # also with PYTHONSAFEPATH
import environment

if __name__ == "__main__":
    environment.enter()

import yaml  # noqa: E402
from execute import Job, execute  # noqa: E402
from pages import (  # noqa: E402
    BuildError,
    build_html,
    content,
    digest,
    launch_pairs,
    preview,
    publish,
    read_chapter,
    record,
)

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = re.compile(r"(\d\d[a-z]?|a\d)_\w+")
TABLE = re.compile(r"\w+\.(?:csv|toml|json)")
EXTRACT = re.compile(r"\w[\w-]*\.(?:xml|(?:dat|csv)(?:\.gz)?|dta|txt|zip)", re.IGNORECASE)
"""Names of chapters, of the files in data/ that the library reads, and of those of an extract.
Copies that a synchronisation or a file manager leaves there have other ones."""


# What there is, and whether it has changed


def chapters(root):
    """Names of the chapters in the order of _toc.yml; they must be those of notebooks/."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    listed = [Path(f).name for f in toc_files(toc) if f.startswith("notebooks/")]
    texts = {p.stem for p in (root / "notebooks").glob("*.md")}
    found = {name for name in texts if CHAPTER.fullmatch(name)}
    for name in sorted(found ^ set(listed)):
        here, there = ("notebooks", "_toc.yml") if name in found else ("_toc.yml", "notebooks")
        raise BuildError(f"chapter {name} is in {here} but not in {there}")
    return listed


def toc_files(node):
    """Every file of a table of contents, in order, from its root on."""
    if isinstance(node, list):
        for entry in node:
            yield from toc_files(entry)
    else:
        yield from (node[key] for key in ("root", "file") if key in node)
        for key in ("parts", "chapters", "sections"):
            yield from toc_files(node.get(key, []))


def code_cells(root, name):
    """Code of a chapter, without commands of IPython."""
    notebook = read_chapter(root / "notebooks" / f"{name}.md")
    lines = "\n".join(c.source for c in notebook.cells if c.cell_type == "code").splitlines()
    return "\n".join(line for line in lines if not line.startswith(("%", "!")))


def tables(root, vintages):
    """Name and bytes of each table that chapters may read; stored results only where they are
    shown in the place of public data."""
    skip = ("cache", "ipums", *(["results"] if "public" in vintages else []))
    parts = list(content(root, "data", skip=skip))
    return [
        part
        for name, data in zip(parts[::2], parts[1::2], strict=True)
        if TABLE.fullmatch(Path(name).name)
        for part in (name, data)
    ]


def make_job(root, name, vintages, parameters=None):
    """The job of a chapter; a variant, with parameters, has a target of its own.

    Its key is of all that the output depends on: text and parameters, what the modules of the
    library do that it imports, directly or not, tables, vintages, lock and Python.
    """
    from specialization import store

    parameters = dict(sorted((parameters or {}).items()))
    target = root / "book" / "notebooks" / f"{name}.ipynb"
    words = json.dumps(parameters, sort_keys=True)
    if parameters:
        label = "-".join(f"{k}={v}" for k, v in parameters.items())
        label = re.sub(r"[^\w.=]+", "-", label)[:60].strip("-")
        target = root / "_build" / "chapters" / f"{name}.{label}.{digest(words)[:6]}.ipynb"
    try:
        code = store.code_key(*store.imports(code_cells(root, name)))
    except SyntaxError as error:
        raise BuildError(
            f"{name}.md: not Python: {error.msg} ({(error.text or '').strip()})"
        ) from None
    text = (root / "notebooks" / f"{name}.md").read_bytes()
    key = digest(
        text,
        words,
        code,
        *tables(root, vintages),
        (root / "requirements.lock").read_bytes(),
        json.dumps(vintages, sort_keys=True),
        sys.version_info[:2],
    )
    return Job(root, name, target, key, vintages, parameters)


def is_fresh(job):
    """Whether the target is the output of this very text, library, data and parameters."""
    return record(job.target).get("key") == job.key


def available_vintages():
    """Vintages that are there, with the hash of their data; fetches the public one if it can."""
    from specialization.data import download, public, vintages
    from specialization.report import results
    from specialization.store import IPUMS

    if os.environ.get("SPECIALIZATION_OFFLINE") != "1":
        try:
            download.fetch_all(public.SOURCES)
            for classification in public.CLASSIFICATIONS:  # once, before the chapters
                public.panel(classification)
        except download.Unreachable as error:
            print(f"no public data, so their stored results are shown ({error})")
    stale = results.check()
    if stale and "public" not in vintages.available():
        print(f"stored by an earlier version of the code: {', '.join(stale)}")
    extract = [
        (p.name, p.stat().st_size, p.stat().st_mtime_ns)
        for p in sorted(IPUMS.glob("*"))
        if EXTRACT.fullmatch(p.name) and p.is_file()
    ]
    hashes = {"synthetic": "seeded", "public": download.data_hash(), "ipums": digest(*extract)}
    here = {name: hashes[name] for name in vintages.available()}
    return here if "public" in here else here | {"public, stored results": results.stored_data()}


# Parameters


def defaults(root, name):
    """Parameters of a chapter: by name, the default and the comment beside it."""
    cells = read_chapter(root / "notebooks" / f"{name}.md").cells
    source = next((c.source for c in cells if "parameters" in c.metadata.get("tags", [])), "")
    lines, found = source.splitlines(), {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            comment = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
            found[node.targets[0].id] = ast.literal_eval(node.value), comment.strip(" #")
    return found


def read_parameters(root, name, texts):
    """Parameters as typed, NAME=value, in the types of the chapter's defaults.

    Raises `BuildError`, or the library's `DataError`, for a chapter or a name that is not there, a
    value of another type, and one out of its range: that of `Parameters` or, where the comment
    beside the default says so ("; 0.5 to 4"), that one.
    """
    from specialization.model.parameters import Parameters
    from specialization.report import results

    if name not in chapters(root):
        raise BuildError(f"no chapter {name!r}; valid: {', '.join(chapters(root))}")
    valid, found = defaults(root, name), {}
    for text in texts:
        # quotes that no shell took away; names as Python reads them
        key, value = (part.strip(" \t'\"") for part in text.split("=", 1))
        key = unicodedata.normalize("NFKC", key)
        if key not in valid:
            known = ", ".join(f"{k} (default {v!r})" for k, (v, _) in valid.items())
            raise BuildError(f"{name}.md has no parameter {key!r}; valid: {known or 'none'}")
        if key in found:
            raise BuildError(f"{name}.md: {key} is given twice")
        default, comment = valid[key]
        found[key] = read_value(f"{name}.md: {key}", value, default)
        check_range(f"{name}.md: {key}", found[key], comment)
    Parameters(**{k: v for k, v in found.items() if k in Parameters.__dataclass_fields__})
    if "VINTAGE" in found:
        results.choose(found["VINTAGE"])  # before anything is fetched
    return found


def read_value(what, text, default):
    """A text as a value of the default's type."""
    kind = type(default)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind in (int, float):
            value = float(text)
            if kind is int and value == int(value) or kind is float and math.isfinite(value):
                return kind(value)
            raise ValueError
        if kind is str:
            return text
        value = ast.literal_eval(text)
        if default is None or isinstance(value, kind):
            return value
        raise ValueError
    except (ValueError, KeyError, SyntaxError, OverflowError):
        words = {bool: "true or false", int: "a whole number", float: "a number"}
        raise BuildError(
            f"{what} = {text!r} is not {words.get(kind, f'a {kind.__name__}')}, "
            f"as its default {default!r} is"
        ) from None


def check_range(what, value, comment):
    """Refuse a value outside of the range at the end of a comment, "; 0.5 to 4" or "; 0 or 1"."""
    number = r"-?[\d.]+(?:e-?\d+)?"
    if found := re.search(rf"; ({number}) (to|or) ({number})$", comment.strip()):
        low, between, high = float(found[1]), found[2], float(found[3])
        if not (low <= value <= high if between == "to" else value in (low, high)):
            raise BuildError(f"{what} = {value}; valid: {found[0][2:]}")


# The two commands


def build_book(root, vintages):
    """Bring the published book up to date."""
    names = chapters(root)
    jobs = [make_job(root, name, vintages) for name in names]
    stale = [job for job in jobs if not is_fresh(job)]
    print(f"{len(stale)} of {len(jobs)} chapters to execute", flush=True)
    execute(stale)
    publish(root, names)
    launch_pairs(root, names)
    built = build_html(root, names)
    print(f"{'' if built else 'nothing to do; '}to read: {root / '_build/html/index.html'}")


def run_chapter(root, vintages, name, parameters):
    """Execute one chapter again: the published one, or a variant under _build/chapters."""
    job = make_job(root, name, vintages, parameters)
    execute([job])
    if not parameters and all(is_fresh(make_job(root, n, vintages)) for n in chapters(root)):
        return build_book(root, vintages)
    print(f"executed: {job.target}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        print(f"to read: {preview(root, job.target, name, scratch)}")


def stop_when_told():
    """Let SIGTERM, and a terminal that closes, end the workers as Ctrl-C does."""

    def stop(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores the second
            signal.signal(number, stop)


def main(argv=None):
    """Read the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", help="chapter, as 01_data; the book where none")
    parser.add_argument("parameter", nargs="*", help="parameter of the chapter, as NAME=value")
    args = parser.parse_args(argv)
    if any("=" not in p for p in args.parameter):
        parser.error(f"parameters are NAME=value, not {' '.join(args.parameter)}")
    from specialization.errors import DataError

    try:
        if args.name is None:
            build_book(ROOT, available_vintages())
        else:
            parameters = read_parameters(ROOT, args.name, args.parameter)
            run_chapter(ROOT, available_vintages(), args.name, parameters)
    except (BuildError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full or read-only disk, no place for temporary files
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; finished chapters are kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    stop_when_told()
    sys.exit(main())
