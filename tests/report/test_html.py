"""The HTML report, read by the parser of the standard library, which is none of a browser's."""

import base64
import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.recompress import encoder_identity
from app.names import one_line
from app.paths import resources
from app.report.csv_report import CSV
from app.report.html_report import HTML
from app.report.page import embedded as embedded_module
from app.report.picture import versions
from app.scan.results import Account, Collected, Results
from app.scan.rows import Row
from tests.report.rows import NO_MODEL, QUESTIONS, ROWS, account, results, written

_VOID = {"meta", "br", "img", "input", "col"}


@dataclass
class Element:
    """A tag with what is in it."""

    tag: str
    attributes: dict[str, str]
    parts: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """Those within that have the tag and the attributes, in their order."""
        found = []
        for part in self.parts:
            if isinstance(part, Element):
                if tag in ("", part.tag) and attributes.items() <= part.attributes.items():
                    found.append(part)
                found += part.all(tag, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(page: bytes) -> Element:
    """The page; every tag that is opened is closed in its turn."""
    reader = _Reader()
    reader.feed(page.decode("utf-8"))
    reader.close()
    (root,) = reader.open
    return root


def page(of: Results) -> Element:
    return read(written(HTML, of))


def section(root: Element, identifier: str) -> Element:
    (found,) = root.all("section", id=identifier)
    return found


def test_the_shared_rows_give_the_golden_file(repository: Path) -> None:
    """It has fixed words where style, script, their hashes and the versions stand."""
    golden = (repository / "tests" / "golden" / "report.html").read_text("utf-8")
    assert plain(written(HTML, results())) == golden


def plain(report: bytes) -> str:
    """The page without what differs between machines or is a file of its own."""
    text = report.decode("utf-8")
    for names, word in ((["report.css"], "STYLE"), (["rows.js", "table.js"], "SCRIPT")):
        folder = resources() / "report"
        content = "\n".join((folder / name).read_text("utf-8") for name in names)
        assert text.count(f">{content}</") == 1
        text = text.replace(f">{content}</", f">{word}</")
    text = re.sub(r"'sha256-[^']+'", "HASH", text)
    for version in versions().values():
        text = text.replace(f"<dd>{version}</dd>", "<dd>VERSION</dd>")
        text = text.replace(f"Elascope {version}<", "Elascope VERSION<")
    identity = encoder_identity()
    return text.replace(identity.library, "ENCODER").replace(identity.fingerprint, "FINGERPRINT")


def test_equal_results_give_equal_bytes() -> None:
    assert written(HTML, results()) == written(HTML, results())


def test_nothing_is_loaded_and_nothing_runs_but_what_the_policy_names() -> None:
    root = page(results())
    (policy,) = [m for m in root.all("meta") if m.attributes.get("http-equiv")]
    rules = dict(rule.split(" ", 1) for rule in policy.attributes["content"].split("; "))
    assert rules["default-src"] == "'none'"
    (style,), scripts = root.all("style"), root.all("script")
    (script,) = [s for s in scripts if "type" not in s.attributes]
    for rule, element in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert {s.attributes.get("type", "application/json") for s in scripts} == {"application/json"}
    for element in root.all():
        assert element.tag not in {"link", "iframe", "object", "embed", "base"}
        for name, value in element.attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value.startswith(("#", "data:image/jpeg;base64,"))
    sources = style.text + script.text
    assert "http" not in sources.replace("http://www.w3.org", "")
    assert not re.search(r"@import|url\(|innerHTML|insertAdjacent|document\.write|eval\(", sources)


def test_headings_labels_and_links_lead_somewhere() -> None:
    root = page(results())
    identifiers = [e.attributes["id"] for e in root.all() if "id" in e.attributes]
    assert len(identifiers) == len(set(identifiers))
    for link in root.all("a"):
        assert link.attributes["href"].removeprefix("#") in identifiers
    for part in root.all("section"):
        assert part.attributes["aria-labelledby"] in identifiers
    levels = [int(e.tag[1]) for e in root.all() if re.fullmatch(r"h\d", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for control in (*root.all("input"), *root.all("select")):
        assert any(control in label.all() for label in root.all("label"))
    assert all(picture.attributes["alt"] for picture in root.all("img"))
    assert all(drawing.attributes["aria-label"] for drawing in root.all("svg"))
    assert root.all("html", lang="en")


def embedded(root: Element) -> list[dict[str, Any]]:
    """The rows as the page's script takes them: a number stands for a text seen before."""
    (about,) = root.all("script", id="about")
    known: list[str] = []
    facts = json.loads(about.text)

    def word(value: Any) -> Any:
        if isinstance(value, int):
            return known[value]
        if isinstance(value, str) and len(known) < facts["known"]:
            known.append(value)
        return value

    found = []
    for block in root.all("script", **{"class": "rows"}):
        for short in json.loads(block.text):
            values = short + [None] * (10 + 5 * len(facts["questions"]) - len(short))
            folder, name, status, message, duplicate, kind, *others = values
            row: dict[str, Any] = {
                "path": (word(folder) or "") + name,
                "status": word(status),
                "message": word(message),
                "duplicate_of": duplicate,
                "format": word(kind),
            }
            row |= dict(zip(("width", "height", "bytes", "sha256"), others, strict=False))
            for place, question in enumerate(facts["questions"]):
                state, score, low, high, reason = others[4 + 5 * place : 9 + 5 * place]
                row[f"{question}_state"] = None if state is None else facts["states"][state]
                row |= {f"{question}_score": score, f"{question}_low": low}
                row |= {f"{question}_high": high, f"{question}_reason": word(reason)}
            found.append(row)
    assert len(found) == facts["files"]
    return found


@pytest.mark.parametrize(("rows", "questions"), [(ROWS, QUESTIONS), (NO_MODEL, ()), ((), ())])
def test_the_rows_of_the_table_are_those_of_the_csv(
    rows: Sequence[Row], questions: Sequence[str]
) -> None:
    collected = Collected(rows, questions)
    text = written(CSV, collected).decode()
    expected = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    found = embedded(page(collected))
    assert len(found) == len(expected)
    for row, cells in zip(found, expected, strict=True):
        for name, value in row.items():
            cell = cells[name].removeprefix("'")
            if name.endswith("_state") or name == "status":
                cell = cell.replace("_", " ")
            shown = "" if value is None else str(value)
            assert shown == (one_line(cell) if isinstance(value, str) else cell)


def test_rows_are_whole_where_blocks_end_and_no_more_texts_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = embedded(page(results()))
    monkeypatch.setattr(embedded_module, "_BLOCK", 3)
    monkeypatch.setattr(embedded_module, "_KNOWN_LIMIT", 2)
    root = page(results())
    assert len(root.all("script", **{"class": "rows"})) == 7
    assert embedded(root) == expected


def test_statuses_and_answers_add_up_to_the_files() -> None:
    statuses, answers = section(page(results()), "totals").all("table")
    rows = [[cell.text for cell in row.parts if isinstance(cell, Element)]
            for row in statuses.all("tr")]  # fmt: skip
    numbers = [int(row[1]) for row in rows[1:-1]]
    assert rows[-1][:2] == ["All files", str(len(ROWS))]
    assert sum(numbers) == len(ROWS)
    assert {"ok", "crashed", "timed out"} <= {row[0] for row in rows}
    for row in answers.all("tr")[1:]:
        *parts, whole = [int(cell.text) for cell in row.all("td")]
        assert sum(parts) == whole == len(ROWS)


def test_archives_and_duplicates_are_counted() -> None:
    text = section(page(results()), "totals").text
    assert "1 archive was left alone" in text
    assert "1 duplicate of files with the same content" in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"found": None}, None),
        ({"found": len(ROWS) + 3, "complete": False}, "3 files were not reached, of 22"),
        ({"found": len(ROWS) + 1}, "1 file was not reached, of 20"),
        ({"found": None, "complete": False}, "how many is not known"),
        ({"complete": False}, "the scan was stopped"),
    ],
)
def test_what_was_not_reached_is_said(changes: dict[str, Any], expected: str | None) -> None:
    whole = Collected(ROWS, QUESTIONS, replace(account(), **changes))
    (header,) = page(whole).all("header")
    assert ("not complete" in header.text) == (expected is not None)
    assert (expected or "") in header.text


def test_the_card_stands_in_the_page_with_its_thresholds() -> None:
    text = section(page(results()), "models").text
    for part in (
        "grey-mean 1.0",
        "ab" * 32,
        "Was a <part> changed?",
        "Consistent with a change.",
        "No sign of a change.",
        "positive from a score of 0.8000, set for at most 1% false alarms",
        "from 0.2000 to the operating point; 25% of the positive",
        "grey squares",
        "shorter side from 16 px, longer side to 512 px, sides to 4:1",
        "Colour & <light>.",
        "CC0-1.0",
        "0.91 [0.85, 0.96]",
        "negatives 18 right, 2 wrong; positives 17 right, 3 wrong",
        "<camera>",
    ):
        assert part in text


def test_a_histogram_has_every_score_and_its_limits() -> None:
    scores = section(page(results()), "scores")
    drawings = scores.all("svg")
    assert len(drawings) == len(QUESTIONS)
    for question, drawing in zip(QUESTIONS, drawings, strict=True):
        titles = [title.text.split(": ") for title in drawing.all("title")]
        values = [v.score for r in ROWS for v in r.verdicts
                  if v.question == question and v.score is not None]  # fmt: skip
        assert sum(int(number) for _, number in titles) == len(values)
        for span, _ in titles:
            low, high = map(float, span.split(" to "))
            assert any(low <= value < high for value in values)
        assert "inconclusive from 0.200" in drawing.text
        assert "positive from 0.800" in drawing.text


def test_conspicuous_files_come_with_pictures_and_their_other_names() -> None:
    articles = section(page(results()), "conspicuous").all("article")
    names = [article.all("h3")[0].text for article in articles]
    assert names == ["beach.jpg", r"script><img src=x onerror=alert(1)>\u202egnp.jpg", "deep.png"]
    sources = [picture.attributes["src"] for picture in articles[0].all("img")]
    data = [base64.b64decode(source.split(",")[1]) for source in sources]
    assert data == [b"thumbnail", b"map"]
    assert r"Also asholiday/copy of\u2028beach.jpg" in articles[0].text
    assert not articles[1].all("img")


def test_without_an_account_the_page_says_what_it_has() -> None:
    root = page(Collected(NO_MODEL, ()))
    assert "No model was asked" in section(root, "models").text
    assert "No file has a conspicuous answer" in section(root, "conspicuous").text
    assert not root.all("svg")
    page(Collected((), ()))
    page(Collected(ROWS, QUESTIONS, Account(roots=("x",), started="then", ended="now")))


def test_no_word_says_more_than_a_measurement_can() -> None:
    text = " ".join(part.text for part in page(results()).all("section")).lower()
    assert not re.search(r"\bfake|\bauthentic\b|\bdoctored|\bforged", text.split("measured")[0])
    assert "csv report" in page(results()).all("noscript")[0].text.lower()


_NAMES = st.one_of(
    st.binary(min_size=1).map(os.fsdecode),
    st.lists(
        st.sampled_from(
            ["</script>", "<!--", "-->", "<script>", "<img src=x onerror=alert(1)>", '"', "'", "&",
             "&lt;", "]]>", "\n", "\r", "\t", "\u202e", "\u2028", "</title>", "</style>", "\x7f"]
        ),
        min_size=1,
    ).map("".join),
).filter(lambda name: "\0" not in name)  # fmt: skip


def _shape(root: Element) -> list[tuple[str, list[str]]]:
    return [(element.tag, sorted(element.attributes)) for element in root.all()]


@given(_NAMES)
def test_no_name_changes_what_the_page_is_made_of(name: str) -> None:
    def of(text: str) -> Element:
        rows = [replace(ROWS[0], path=Path(text)), Row(Path(text), "broken", message=text)]
        rows.append(replace(ROWS[0], path=Path("b"), duplicate_of=Path(text)))
        given = replace(account(), roots=(text,), parameters={text: text})
        return page(Collected(rows, QUESTIONS, given))

    root = of(name)
    assert _shape(root) == _shape(of("plain"))
    first, second, third = embedded(root)
    shown = one_line(str(Path(name)))
    assert (first["path"], second["path"], third["duplicate_of"]) == (shown, shown, shown)
    assert second["message"] == one_line(name)
    assert first["path"].isprintable() or not any(
        character in "\n\r\u2028\u2029\u202e" for character in first["path"]
    )
