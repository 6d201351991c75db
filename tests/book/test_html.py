"""The built book, page by page: `make book` first. What a reader sees, and without a network."""

import functools
import json
import os
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import build
import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
PAGES = [f"{f}.html" for f in build.toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text()))]
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
NARROW = 400
pytestmark = pytest.mark.slow


@functools.cache
def soup(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def article(page):
    return soup(HTML / page).find("article")


@pytest.fixture(scope="session", autouse=True)
def built():
    if not (HTML / ".key").exists():
        pytest.skip("the book is not built: `make book`")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_with_a_title(page):
    assert article(page).find("h1").get_text(strip=True)


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_cell_was_executed_without_error_or_warning(page):
    notebook = json.loads((ROOT / "book" / page).with_suffix(".ipynb").read_text(encoding="utf-8"))
    code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    outputs = [o for c in code for o in c["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert not article(page).select(".stderr, .traceback, .cell_output .error")


@pytest.mark.parametrize("page", CHAPTERS)
def test_chapters_have_figures_and_tables_with_captions(page):
    figures, tables = article(page).select("img"), article(page).select("table")
    assert figures and tables
    for image in figures:
        caption = image.find_parent("figure").find("figcaption")
        assert caption and len(caption.get_text(strip=True)) > 20, image.get("src")
    for table in tables:
        caption = table.find_parent("figure").find("figcaption")
        assert caption and len(caption.get_text(strip=True)) > 20, table.get_text()[:80]
        assert len(table.select("tbody tr")) > 0


@pytest.mark.parametrize("page", PAGES)
def test_every_image_has_alt_text_and_is_there(page):
    for image in article(page).select("img"):
        alt = image.get("alt", "")
        assert len(alt) > 20 and not alt.endswith((".png", ".svg")), image.get("src")
        assert ((HTML / page).parent / image["src"]).stat().st_size > 0


@pytest.mark.parametrize("page", PAGES)
def test_no_number_or_reference_is_left_open(page):
    text = BeautifulSoup(str(article(page)), "html.parser")
    for code in text.select("pre, code"):
        code.decompose()
    text = text.get_text()
    for sign in ("{glue", "{cite", "{ref}", "{numref}", "{eq}", "{doc}", "[[", "TODO", "???"):
        assert sign not in text, text[max(0, text.find(sign) - 80) :][:160]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_lead_somewhere(page):
    for link in soup(HTML / page).select("a[href]"):
        url = urlsplit(link["href"])
        if url.scheme or link["href"] == "#":
            continue
        target = ((HTML / page).parent / unquote(url.path)).resolve() if url.path else HTML / page
        assert target.is_file(), link["href"]
        if url.fragment and target.suffix == ".html":
            name = unquote(url.fragment)
            assert soup(target).find(id=name), link["href"]


@pytest.mark.parametrize("page", PAGES)
def test_no_script_or_style_comes_from_outside(page):
    for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")):
        for found in soup(HTML / page).find_all(tag, **{attribute: True}):
            assert not urlsplit(found[attribute]).netloc, found


def test_every_chapter_can_be_downloaded():
    links = [a["href"] for a in article("status.html").select("a.download")]
    for page in CHAPTERS:
        name = Path(page).stem
        for suffix in (".ipynb", ".md", ".py"):
            assert any(link.endswith(f"/{name}{suffix}") for link in links), name + suffix


# In a browser


PROBE = """<!doctype html><body><script>
async function look(page) {
  const frame = document.createElement("iframe");
  frame.width = WIDTH; frame.height = 800; frame.src = page;
  const loaded = new Promise(done => frame.onload = done);
  document.body.append(frame);
  await loaded;
  const doc = frame.contentDocument, win = frame.contentWindow;
  const formulas = [...doc.querySelectorAll("article .math")];
  if (formulas.length) {
    for (let n = 0; n < 200 && !win.MathJax?.startup?.promise; n++)
      await new Promise(done => setTimeout(done, 50));
    await win.MathJax?.startup?.promise;
  }
  await new Promise(done => setTimeout(done, 300));
  const seen = {
    wide: doc.documentElement.scrollWidth - doc.documentElement.clientWidth,
    formulas: formulas.length,
    raw: formulas.filter(f => !f.querySelector("mjx-container")).map(f => f.textContent),
    errors: [...doc.querySelectorAll("mjx-merror")].map(f => f.textContent),
  };
  frame.remove();
  return seen;
}
(async () => {
  const seen = {};
  for (const page of PAGES) seen[page] = await look(page);
  const result = document.createElement("pre");
  result.id = "seen"; result.textContent = JSON.stringify(seen);
  document.body.append(result);
})();
</script></body>"""


class Server(SimpleHTTPRequestHandler):
    """The built book, and the page that looks at its pages."""

    def do_GET(self):
        if self.path != "/probe.html":
            return super().do_GET()
        page = PROBE.replace("WIDTH", str(NARROW)).replace("PAGES", json.dumps(PAGES), 1).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("CI"):
        pytest.fail("no browser found: chromium, chromium-browser or google-chrome")
    pytest.skip("no browser found: chromium, chromium-browser or google-chrome")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a browser that reaches nothing but the book finds on each page, at 400 px."""
    program = browser()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
        "--virtual-time-budget=120000",
        "--dump-dom",
    ]
    address = f"http://127.0.0.1:{server.server_port}/probe.html"
    done = subprocess.run([program, *flags, address], capture_output=True, text=True, timeout=300)
    server.shutdown()
    result = BeautifulSoup(done.stdout, "html.parser").find(id="seen")
    assert result, done.stderr[-2000:]
    return json.loads(result.get_text())


@pytest.mark.parametrize("page", PAGES)
def test_formulas_are_set_without_a_network(seen, page):
    assert seen[page]["raw"] == [] and seen[page]["errors"] == []
    assert seen[page]["formulas"] == len(article(page).select(".math"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_not_scroll_sideways_on_a_telephone(seen, page):
    assert seen[page]["wide"] <= 0
