"""Every parameter that a chapter offers, at both ends of the range that its comment states.

The chapters run as a reader's variant does, without public data. Other corners than those where
all parameters are low, or all high, were tried once when the ranges were set.
"""

import json
import re
from dataclasses import replace

import build
import pytest

ROOT = build.ROOT
RANGE = re.compile(r"; (-?[\d.]+) (?:to|or) (-?[\d.]+)$")


def ends(name):
    """The lowest and the highest value of each parameter with a range, as a reader types them."""
    found = {
        key: match.groups()
        for key, (_, comment) in build.defaults(ROOT, name).items()
        if (match := RANGE.search(comment))
    }
    return [[f"{key}={pair[end]}" for key, pair in found.items()] for end in (0, 1)]


CHAPTERS = [name for name in build.chapters(ROOT) if ends(name)[0]]


def test_chapters_of_the_model_state_ranges():
    assert [name[:2] for name in CHAPTERS] == ["05", "06", "07", "08", "09"]


@pytest.mark.slow
@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_at_both_ends_of_its_ranges(name, end, tmp_path, monkeypatch):
    monkeypatch.setenv("SPECIALIZATION_OFFLINE", "1")
    typed = build.read_parameters(ROOT, name, ends(name)[end == "high"])
    job = build.make_job(ROOT, name, build.available_vintages(), typed)
    job = replace(job, target=tmp_path / f"{name}.ipynb")
    build.execute([job])
    cells = json.loads(job.target.read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in code] == [*range(1, len(code) + 1)]
    outputs = [o for c in code for o in c["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    injected = next(c for c in code if "injected-parameters" in c["metadata"]["tags"])
    said = dict(re.findall(r"^(\w+) = (.*)$", "".join(injected["source"]), re.M))
    assert {k: float(v) for k, v in said.items()} == {k: float(v) for k, v in typed.items()}
