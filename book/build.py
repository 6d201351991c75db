"""Run the chapters and build the HTML book; only what has changed is done again.

    python book/build.py                        the book
    python book/build.py 01_data                one chapter again, then the book
    python book/build.py 01_data VINTAGE=public a variant of a chapter, beside the book
"""

import argparse
import contextlib
import importlib.metadata
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import papermill
import yaml
from pages import (
    BuildError,
    build_html,
    content,
    digest,
    launch_pairs,
    plain,
    preview,
    publish,
    read_chapter,
    record,
    write,
)
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "scipy", "pandas", "statsmodels", "numba", "quantecon", "matplotlib",
            "papermill", "jupyter-book")
CELL_TIMEOUT = 3600
START_TIMEOUT = 180
RUNNER = ("build.py", "pages.py")      # no chapter depends on them


@dataclass(frozen=True)
class Job:
    """One chapter to be executed: from `root`/notebooks into `target`."""

    root: Path
    name: str
    target: Path
    key: str
    vintages: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)

    @property
    def source(self):
        """The chapter's text."""
        return self.root / "notebooks" / f"{self.name}.md"


# What there is, and whether it has changed


def chapters(root):
    """Names of the chapters in the order of _toc.yml; they must be those of notebooks/."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    listed = [Path(f).name for f in toc_files(toc) if f.startswith("notebooks/")]
    found = {p.stem for p in (root / "notebooks").glob("[0-9][0-9]_*.md")}
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


def common_key(root, vintages):
    """What every chapter depends on: library, the book's modules, committed data, vintages, lock
    and Python."""
    modules = [p for p in sorted((root / "book").glob("*.py")) if p.name not in RUNNER]
    return digest(*content(root, "lib", "data", skip=("cache", "ipums")),
                  *(part for p in modules for part in (p.name, p.read_bytes())),
                  (root / "requirements.lock").read_bytes(),
                  json.dumps(vintages, sort_keys=True), sys.version_info[:2])


def make_job(root, name, vintages, common, parameters=None):
    """The job of a chapter; a variant, with parameters, has a target of its own."""
    parameters = parameters or {}
    target = root / "book" / "notebooks" / f"{name}.ipynb"
    if parameters:
        label = re.sub(r"[^\w.]+", "-", "-".join(map(str, parameters.values()))).strip("-")
        target = root / "_build" / "chapters" / f"{name}.{label}.ipynb"
    text = (root / "notebooks" / f"{name}.md").read_bytes()
    key = digest(common, text, json.dumps(parameters, sort_keys=True))
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
            for classification in public.CLASSIFICATIONS:   # once, before the chapters
                public.panel(classification)
        except download.Unreachable as error:
            print(f"no public data, so their stored results are shown ({error})")
    if "public" not in vintages.available() and (stale := results.check()):
        print(f"stored by an earlier version of the code: {', '.join(stale)}")
    extract = [(p.name, p.stat().st_size, p.stat().st_mtime_ns)
               for p in sorted(IPUMS.glob("*"))]
    hashes = {"synthetic": "seeded", "public": download.data_hash(), "ipums": digest(*extract)}
    here = {name: hashes[name] for name in vintages.available()}
    return here if "public" in here else here | {"public, stored results": results.stored_data()}


# Executing chapters


def check_parameters(job):
    """Refuse a parameter that the chapter does not have; papermill would only warn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chapter.ipynb")
        nbformat.write(read_chapter(job.source), path)
        valid = papermill.inspect_notebook(str(path))
    for name in job.parameters:
        if name not in valid:
            known = ", ".join(f"{k} (default {v['default']})" for k, v in valid.items())
            raise BuildError(f"{job.source.name} has no parameter {name!r}; "
                             f"valid: {known or 'none'}")


def run(job):
    """Execute a chapter and write its target; returns None, or the story of the failure."""
    start = time.perf_counter()
    try:
        notebook = papermill.execute_notebook(
            read_chapter(job.source), None, job.parameters, kernel_name="python3",
            language="python", progress_bar=False, cwd=job.source.parent,
            start_timeout=START_TIMEOUT, execution_timeout=CELL_TIMEOUT)
    except PapermillExecutionError as error:
        return _story(job, error)
    except Exception as error:  # a dead kernel, a time-out: the other chapters go on
        return f"{job.source.name}: {type(error).__name__}: {error}"
    # the kernel is the only child of this process, which runs no other chapter
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    versions = {"python": sys.version.split()[0]}
    notebook.metadata["book"] = {
        "key": job.key, "seconds": round(time.perf_counter() - start, 1),
        "memory_mib": round(peak), "vintages": job.vintages, "parameters": job.parameters,
        "packages": versions | {p: importlib.metadata.version(p) for p in PACKAGES}}
    write(job.target, nbformat.writes(notebook))
    return None


def _story(job, error):
    what = f"{job.source.name}, code cell {error.exec_count}: {error.ename}: {error.evalue}"
    if error.ename in ("DataError", "Unreachable"):    # the sentence says it all
        return what
    return "\n".join([what, *plain("\n".join(error.traceback)).splitlines()[-8:]])


@contextlib.contextmanager
def kernel_environment(root, workers):
    """Environment of the kernels: this Python and this project, whatever their user has set up."""
    threads = str(max(1, os.cpu_count() // workers))
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
            "--log-level=ERROR"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "kernels", "python3", "kernel.json"), json.dumps(spec))
        os.environ.update(
            JUPYTER_PATH=folder, IPYTHONDIR=str(Path(folder, "ipython")),
            MPLCONFIGDIR=str(root / "_build" / "matplotlib"),
            PYTHONHASHSEED="0",
            OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads, NUMBA_NUM_THREADS=threads)
        # once, here: a chapter that had to index the fonts would say so on its page
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _isolated(job):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(run, job).result()


def execute(jobs):
    """Execute the jobs side by side; raises `BuildError` with the story of every failure."""
    if not jobs:
        return
    workers, failures = min(len(jobs), os.cpu_count()), []
    with kernel_environment(jobs[0].root, workers), ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(_isolated, job): job for job in jobs}
        try:
            for future in tqdm(as_completed(futures), "chapters", len(jobs), unit="chapter"):
                job = futures[future]
                error = future.exception()
                failure = f"{job.source.name}: {error!r}" if error else future.result()
                if failure:
                    failures.append(failure)
                else:
                    tqdm.write(f"{job.name}: {record(job.target)['seconds']} s")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise
    if failures:
        raise BuildError("\n\n".join(failures))


# The two commands


def build_book(root, vintages):
    """Bring the published book up to date."""
    names, common = chapters(root), common_key(root, vintages)
    jobs = [make_job(root, name, vintages, common) for name in names]
    stale = [job for job in jobs if not is_fresh(job)]
    print(f"{len(stale)} of {len(jobs)} chapters to execute", flush=True)
    execute(stale)
    publish(root, names)
    launch_pairs(root, names)
    built = build_html(root)
    print(f"{'' if built else 'nothing to do; '}to read: {root / '_build/html/index.html'}")


def run_chapter(root, vintages, name, parameters):
    """Execute one chapter again: the published one, or a variant under _build/chapters."""
    names, common = chapters(root), common_key(root, vintages)
    if name not in names:
        raise BuildError(f"no chapter {name!r}; valid: {', '.join(names)}")
    job = make_job(root, name, vintages, common, parameters)
    check_parameters(job)
    if "VINTAGE" in parameters:
        from specialization.report import results

        results.choose(parameters["VINTAGE"])
    execute([job])
    if not parameters and all(is_fresh(make_job(root, n, vintages, common)) for n in names):
        return build_book(root, vintages)
    print(f"executed: {job.target}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        print(f"to read: {preview(root, job.target, name, scratch)}")


def main(argv=None):
    """Read the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="chapter, as 01_data; the book where none")
    parser.add_argument("parameter", nargs="*", help="parameter of the chapter, as NAME=value")
    args = parser.parse_args(argv)
    if any("=" not in p for p in args.parameter):
        parser.error(f"parameters are NAME=value, not {' '.join(args.parameter)}")
    parameters = {k: yaml.safe_load(v) for k, v in (p.split("=", 1) for p in args.parameter)}
    from specialization.errors import DataError
    from specialization.report import results
    try:
        vintages = available_vintages()
        results.check()
        if args.name is None:
            build_book(ROOT, vintages)
        else:
            run_chapter(ROOT, vintages, args.name, parameters)
    except (BuildError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; finished chapters are kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
