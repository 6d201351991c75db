"""Execute chapters, each in a process of its own: `execute(jobs)`.

A worker and its kernel live no longer than the builder: the worker reads a pipe that ends with
the builder, however that ended. As a program this file is such a worker.
"""

import contextlib
import importlib.metadata
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

import environment
import nbformat
import papermill
import psutil
from jupyter_client.manager import AsyncKernelManager
from pages import BuildError, plain, read_chapter, record, write, writing
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "numba",
    "quantecon",
    "matplotlib",
    "papermill",
    "jupyter-book",
)
CELL_TIMEOUT = 3600
START_TIMEOUT = 180


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


# In the worker


class Manager(AsyncKernelManager):
    """Kernels that are not interrupted before they are shut down: one that has nothing to do would
    call that an error."""

    async def _async_interrupt_kernel(self):
        pass


def _executed(job):
    """The executed notebook. The ports of a kernel are chosen before it binds them, and another
    program may have been faster: then it starts again."""
    for last in (False, False, True):
        try:
            return papermill.execute_notebook(
                read_chapter(job.source),
                None,
                job.parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                cwd=Path.cwd(),  # empty: what lies beside a chapter is no input
                start_timeout=START_TIMEOUT,
                execution_timeout=CELL_TIMEOUT,
                kernel_manager_class=Manager,
                record_timing=False,
            )
        except RuntimeError as error:
            if last or "before replying to kernel_info" not in str(error):
                raise


def run(job):
    """Execute a chapter and write its target; returns None, or the story of the failure."""
    start = time.perf_counter()
    try:
        notebook = _executed(job)
    except PapermillExecutionError as error:
        return _story(job, error)
    except Exception as error:  # a dead kernel, a time-out: the other chapters go on
        return f"{job.source.name}: {type(error).__name__}: {error}"
    # the kernel is the only child of this process, which runs no other chapter
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit
    versions = {"python": sys.version.split()[0]}
    settle(notebook)
    notebook.metadata["book"] = {
        "key": job.key,
        "seconds": round(time.perf_counter() - start, 1),
        "memory_mib": round(peak),
        "vintages": job.vintages,
        "parameters": job.parameters,
        "packages": versions | {p: importlib.metadata.version(p) for p in PACKAGES},
    }
    try:
        write(job.target, nbformat.writes(notebook))
    except BuildError as error:
        return f"{job.source.name}: {error}"
    return None


def settle(notebook):
    """Leave out what differs from one run to the next: times of the runner and of its cells, and
    where a printed text was cut into pieces on its way."""
    for part in ("papermill", "widgets"):
        notebook.metadata.pop(part, None)
    for cell in notebook.cells:
        for part in ("papermill", "execution"):
            cell.metadata.pop(part, None)
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)


def _joined(outputs):
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and output["name"] == last.get("name"):
            last["text"] += output["text"]
        else:
            joined.append(output)
    return joined


def _story(job, error):
    what = f"{job.source.name}, code cell {error.exec_count}: {error.ename}: {error.evalue}"
    if error.ename in ("DataError", "Unreachable"):  # the sentence says it all
        return what
    return "\n".join([what, *plain("\n".join(error.traceback)).splitlines()[-8:]])


def work():
    """Execute the job that the first line of input describes; the output is `run`'s story."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a kernel prints past its notebook is no story
    job = json.loads(sys.stdin.buffer.readline())
    job = Job(**job | {"root": Path(job["root"]), "target": Path(job["target"])})
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_watch, daemon=True).start()
    with output:
        output.write(run(job) or "")


def _watch():
    os.read(0, 1)  # returns when the builder is no more
    _stop()


def _stop(*_):
    # a kernel inside compiled code hears no signal but this one
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(1)


# In the builder


class Workers:
    """Processes that execute chapters; `stop` ends them all, with their kernels."""

    def __init__(self, environment, folder):
        self.environment, self.folder = environment, folder
        self.running, self.stopped = set(), False

    def run(self, job):
        """Execute a job; returns None, or the story of the failure."""
        process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.environment,
            cwd=tempfile.mkdtemp(dir=self.folder),
            start_new_session=True,
        )  # Ctrl-C reaches the builder alone
        self.running.add(process)
        if self.stopped:
            process.stdin.close()
        with contextlib.suppress(OSError, ValueError):  # it has ended already
            process.stdin.write((json.dumps(asdict(job), default=str) + "\n").encode())
            process.stdin.flush()
        story = process.stdout.read().decode()
        process.wait()
        self.running.discard(process)
        if process.returncode and not story:
            story = f"{job.source.name}: its process ended with code {process.returncode}"
        return story or None

    def stop(self):
        """End every worker; each ends its kernel first."""
        self.stopped = True
        for process in list(self.running):
            with contextlib.suppress(OSError):
                process.stdin.close()


@contextlib.contextmanager
def kernel_environment(root, workers):
    """Environment of the kernels: this Python and this project, whatever their user has set up;
    and a folder that is theirs as long."""
    argv = [
        sys.executable,
        "-P",
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--log-level=ERROR",
    ]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        write(Path(folder, "kernels", "python3", "kernel.json"), json.dumps(spec))
        variables = environment.of_kernels(
            os.environ, root, Path(folder), max(1, environment.cores() // workers)
        )
        # once, here: a chapter that had to index the fonts would say so on its page
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            check=True,
            env=variables,
            cwd=folder,
        )
        yield variables, folder


def execute(jobs, workers=None):
    """Execute the jobs side by side; raises `BuildError` with the story of every failure."""
    if not jobs:
        return
    for job in jobs:
        with writing(job.target.parent):  # before minutes of computing, not after them
            pass
    count, failures = min(len(jobs), workers or environment.cores()), []
    with kernel_environment(jobs[0].root, count) as kernels, ThreadPoolExecutor(count) as pool:
        workers = Workers(*kernels)
        futures = {pool.submit(workers.run, job): job for job in jobs}
        try:
            for future in tqdm(as_completed(futures), "chapters", len(jobs), unit="chapter"):
                job = futures[future]
                if failure := future.result():
                    failures.append(failure)
                else:
                    tqdm.write(f"{job.name}: {record(job.target)['seconds']} s")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.stop()
            raise
    if failures:
        raise BuildError("\n\n".join(failures))


if __name__ == "__main__":
    work()
