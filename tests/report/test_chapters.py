"""Chapters show their code: little of it is hidden, and what is long is in the library.

`python tests/report/test_chapters.py` prints both numbers for every chapter.
"""

import ast
import re
from pathlib import Path

import pytest

CHAPTERS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.md"))
HIDING = {"remove-cell", "remove-input", "hide-input", "hide-cell"}
HIDDEN, LONGEST = 0.10, 5


def cells(text):
    """Tags and code of the cells of a MyST text."""
    for block in re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", text, re.M | re.S):
        tags = re.search(r"^:tags: \[(.*)\]$", block, re.M)
        code = "".join(line for line in block.splitlines(True) if not line.startswith(":"))
        yield set(tags[1].split(", ")) if tags else set(), code


def hidden_share(text):
    """Share of the lines of code, blank ones aside, that readers do not see."""
    seen = hidden = 0
    for tags, code in cells(text):
        lines = sum(1 for line in code.splitlines() if line.strip())
        seen, hidden = (seen, hidden + lines) if tags & HIDING else (seen + lines, hidden)
    return hidden / (seen + hidden)


def helpers(text):
    """Lines of each function that the cells define, docstrings not counted, by name."""
    for _, code in cells(text):
        magics = re.sub(r"^[%!].*$", "pass", code, flags=re.M)
        for node in ast.walk(ast.parse(magics)):
            if isinstance(node, ast.FunctionDef):
                doc = node.body[0]
                words = (
                    doc.end_lineno - doc.lineno + 1 if ast.get_docstring(node) is not None else 0
                )
                yield node.name, node.end_lineno - node.lineno + 1 - words
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                yield ast.unparse(node.targets[0]), node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_readers_see_the_code(chapter):
    assert hidden_share(chapter.read_text(encoding="utf-8")) < HIDDEN


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_helpers_are_short(chapter):
    found = helpers(chapter.read_text(encoding="utf-8"))
    assert [(name, lines) for name, lines in found if lines > LONGEST] == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_the_range_that_a_comment_states_is_the_one_that_is_checked(chapter):
    text = chapter.read_text(encoding="utf-8")
    code = next(code for tags, code in cells(text) if "parameters" in tags)
    stated = {
        name: (float(low), float(high))
        for name, low, high in re.findall(r"^(\w+) = .*; (\S+) (?:to|or) (\S+)$", code, re.M)
    }
    checked = {
        name: (float(low), float(high))
        for name, low, high in re.findall(r"""within\("(\w+)", \1, ([^,)]+), ([^,)]+)[,)]""", text)
    }
    numbers = re.findall(r"^(\w+) = [-\d]", code, re.M)
    assert stated == checked and set(stated) == set(numbers)


MADE_UP = '''
```{code-cell} ipython3
:tags: [parameters]

VINTAGE = "all"
```

```{code-cell} ipython3
:tags: [remove-output, hide-input]

def double(x):
    """Twice.

    As much."""
    return 2 * x

half = (lambda x:
        x / 2)
```
'''


def test_what_is_counted():
    assert hidden_share(MADE_UP) == 6 / 7
    assert dict(helpers(MADE_UP)) == {"double": 2, "half": 2}


if __name__ == "__main__":
    for path in CHAPTERS:
        page = path.read_text(encoding="utf-8")
        long = [f"{name} ({lines})" for name, lines in helpers(page) if lines > LONGEST]
        print(f"{path.stem}: {hidden_share(page):.1%} hidden; too long: {', '.join(long)}")
