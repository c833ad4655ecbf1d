"""The page: opens from disk without network or script, and shows nothing as markup that came as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import openpyxl
import pytest

from idbmigrate.reports import html, xlsx
from idbmigrate.reports.document import USE

from .test_share import document

VOID = {"meta", "wbr", "rect", "path", "link", "br", "img", "input"}


class Page(HTMLParser):
    """Reads a page strictly: every element that opens must close, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.targets, self.attributes, self.headings = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if attributes.get("href", "").startswith("#"):
            self.targets.append(attributes["href"][1:])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text():
    return html.render(document())


def test_well_formed_and_linked(text):
    page = Page(text)
    assert len(page.ids) == len(set(page.ids)) and set(page.targets) <= set(page.ids)
    steps = [after - before for before, after in zip(page.headings, page.headings[1:])]
    assert page.headings[0] == 1 and max(steps) <= 1, "no level of heading is skipped"


def test_what_the_month_is_good_for_stands_on_page_and_workbook(text, tmp_path):
    assert document()["use"] in text
    book = openpyxl.load_workbook(xlsx.write(document(), tmp_path / "report.xlsx"))
    shown = {row[0]: row[1] for row in book.worksheets[0].iter_rows(values_only=True)}
    assert shown["What it is good for"] == document()["use"]
    assert "November 2019" in USE and "centre" in USE


def test_no_network_and_no_script(text):
    page = Page(text)
    assert not re.search(r"<(script|link|iframe|object|embed|img)\b", text)
    assert "default-src 'none'" in text
    assert not [each for each in page.attributes if each[1].startswith("on") or "//" in (each[2] or "")]
    style = text[text.index("<style>") : text.index("</style>")]
    assert "@import" not in style and "//" not in style
    assert set(re.findall(r"url\(([^)]*)\)", style)) <= {"#hatch-default", "#hatch-invalid", "#hatch-missing"}


def test_accessible(text):
    assert '<html lang="en-GB">' in text
    charts = re.findall(r'<svg class="chart[^>]*>', text)
    assert charts and all('role="img"' in chart and "aria-label=" in chart for chart in charts)
    tables = re.findall(r"<table>(.*?)</table>", text, re.S)
    assert tables and all("<caption>" in table and 'scope="col"' in table for table in tables)


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "</style><u>", "&lt;u>"]
)
def test_text_stays_text(evil):
    """Every text of the document, wherever it stands, is replaced by markup: none of it gets through."""

    def poisoned(node):
        if isinstance(node, dict):
            return {key: value if key in SAFE else poisoned(value) for key, value in node.items()}
        if isinstance(node, list):
            return [poisoned(each) for each in node]
        return evil if isinstance(node, str) else node

    page = html.render(poisoned(document()))
    Page(page)
    assert evil not in page and not re.search("<(script|img|u)[ >]", page)


#: words that this program itself chooses from a closed list
SAFE = {"outcome", "effect"}


def test_same_document_same_bytes(tmp_path):
    first, second = (html.write(document(), tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_a_check_without_a_source_has_no_empty_sections():
    bare = document() | dict.fromkeys(
        ["input", "identification", "mapping", "settings", "ledger", "confidence"]
    )
    bare |= {"unmapped": [], "vodim": [], "flow": {"sources": [], "targets": [], "links": []}}
    page = Page(html.render(bare))
    assert {"ledger", "settings", "confidence", "vodim", "unmapped"} & set(page.ids) == set()


def test_the_page_in_a_browser(text, tmp_path):
    """Drawn by a real browser at two widths: nothing but tables and charts may be wider than the window."""
    import shutil
    import subprocess

    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on the path")
    probe = (
        "<script>const wide=[...document.querySelectorAll('body *')].filter(e=>"
        "e.getBoundingClientRect().right>innerWidth+1&&!e.closest('.wide')&&!e.closest('.skip'));"
        "document.title='wide:'+wide.length+' svg:'+document.querySelectorAll('svg.chart').length</script>"
    )
    page = tmp_path / "page.html"
    page.write_text(
        re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", text) + probe, encoding="utf-8"
    )
    for width in (400, 1280):
        dump = subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                f"--window-size={width},900",
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
        assert re.search(r"<title>wide:0 svg:[1-9]", dump), width


def test_the_page_on_paper(text, tmp_path):
    """Printed by a real browser: a few A4 pages."""
    import shutil
    import subprocess

    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on the path")
    page, paper = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(text, encoding="utf-8")
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--print-to-pdf={paper}",
            page.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    printed = paper.read_bytes()
    assert printed.startswith(b"%PDF") and 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6
