"""Every parameter that a chapter offers, at the ends of the range that its comment states.

The chapters run as a reader's variant does, without public data. An end that is the default is run
by the book itself; the other ends of all parameters are taken together, first the lower ones.
"""

import json
import re
from dataclasses import replace

import build
import pytest

ROOT = build.ROOT
RANGE = re.compile(r"; (-?[\d.]+) (?:to|or) (-?[\d.]+)$")


def cases(name):
    """What a reader types to run a chapter at the ends of its ranges, in one command or two."""
    ends = {}
    for key, (default, comment) in build.defaults(ROOT, name).items():
        if match := RANGE.search(comment):
            ends[key] = [text for text in match.groups() if float(text) != default]
    typed = [[f"{key}={texts[end]}" for key, texts in ends.items()] for end in (0, -1)]
    return typed[: 1 if typed[0] == typed[1] else 2]


CASES = [(name, typed) for name in build.chapters(ROOT) for typed in cases(name) if typed]


def test_chapters_of_the_model_state_ranges():
    assert {name[:2] for name, _ in CASES} == {"05", "06", "07", "08", "09", "a1"}
    for name, typed in CASES:
        build.read_parameters(ROOT, name, typed)  # raises where an end is refused
    low, high = (typed for name, typed in CASES if name.startswith("06"))
    assert low == ["γ=1", "θ=0.05", "φ=0.1", "industry=1", "size_in_sd=0.5"]
    assert high == ["γ=3", "θ=0.05", "φ=4", "industry=1", "size_in_sd=2.3"]


@pytest.mark.slow
@pytest.mark.parametrize("name, typed", CASES, ids=[f"{n} {' '.join(t)}" for n, t in CASES])
def test_a_chapter_runs_at_the_ends_of_its_ranges(name, typed, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECIALIZATION_OFFLINE", "1")
    read = build.read_parameters(ROOT, name, typed)
    job = build.make_job(ROOT, name, build.available_vintages(), read)
    job = replace(job, target=tmp_path / f"{name}.ipynb")
    build.execute([job])
    cells = json.loads(job.target.read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in code] == [*range(1, len(code) + 1)]
    outputs = [o for c in code for o in c["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    injected = next(c for c in code if "injected-parameters" in c["metadata"]["tags"])
    said = dict(re.findall(r"^(\w+) = (.*)$", "".join(injected["source"]), re.M))
    assert {k: float(v) for k, v in said.items()} == {k: float(v) for k, v in read.items()}
