"""HTML: one page for people that holds everything it shows and opens without a network."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO

from app.paths import resources
from app.report.base import Report
from app.report.page.cards import models_section
from app.report.page.embedded import table_section
from app.report.page.gallery import gallery
from app.report.page.histogram import histogram
from app.report.page.markup import prose, text
from app.report.page.summary import (
    false_alarm_sentence,
    head_section,
    meaning_section,
    parameters_section,
    title_of,
    totals_section,
    versions_section,
)
from app.report.page.survey import Survey, survey
from app.scan.results import Results

_SECTIONS = (
    ("meaning", "What the answers may be taken for"),
    ("totals", "Totals"),
    ("scores", "Scores"),
    ("conspicuous", "Conspicuous files"),
    ("files", "All files"),
    ("models", "Models"),
    ("parameters", "Parameters of the scan"),
    ("versions", "Versions"),
)


def write_html(stream: BinaryIO, results: Results) -> None:
    """The whole page, UTF-8. The rows are gone through two or three times and never kept."""
    found = survey(results)
    for part in _parts(results, found):
        stream.write(part.encode("utf-8"))


def _parts(results: Results, found: Survey) -> Iterator[str]:
    account = results.account
    style, script = _resource("report.css"), _resource("rows.js", "table.js")
    yield _head(title_of(account), style, script)
    yield f'<header><h1 class="path">{text(title_of(account))}</h1>'
    yield head_section(account, found.totals)
    links = "".join(map(_link, _SECTIONS))
    yield f'</header><nav aria-label="Contents"><ul>{links}</ul></nav><main>'
    sections: dict[str, Iterator[str]] = {
        "meaning": iter([meaning_section()]),
        "totals": iter([totals_section(found.totals, results)]),
        "scores": _scores(results, found),
        "conspicuous": gallery(found, results),
        "files": table_section(results, found.totals.files),
        "models": iter([models_section(account)]),
        "parameters": iter([parameters_section(account)]),
        "versions": iter([versions_section(account)]),
    }
    for identifier, title in _SECTIONS:
        yield f'\n<section id="{identifier}" aria-labelledby="{identifier}-title">'
        yield f'<h2 id="{identifier}-title">{title}</h2>'
        yield from sections[identifier]
        yield "</section>"
    yield f"\n</main>\n<script>{script}</script>\n</body>\n</html>\n"


def _head(title: str, style: str, script: str) -> str:
    """Nothing is loaded and nothing runs but what is in this page."""
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )


def _resource(*names: str) -> str:
    # Line ends as a browser sees them, or the hash in the policy would not fit.
    folder = resources() / "report"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _hash(content: str) -> str:
    digest = b64encode(sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _link(section: tuple[str, str]) -> str:
    return f'<li><a href="#{section[0]}">{section[1]}</a></li>'


def _scores(results: Results, found: Survey) -> Iterator[str]:
    cards = {
        question.id: question
        for model in results.account.models
        for question in model.card.questions
    }
    if not results.questions:
        yield "<p>No question was asked.</p>"
    else:
        yield (
            "<p>Scores from 0 to 1. Heights grow with the logarithm of the number of files, so "
            "that a few files stay visible beside many.</p>"
        )
    for identifier in results.questions:
        question = cards.get(identifier)
        yield f"<h3>{prose(question.text if question else identifier)}</h3>"
        bins = found.scores.get(identifier)
        yield histogram(identifier, bins, question) if bins else "<p>No file has a score.</p>"
        if question and bins:
            yield f"<p>{prose(false_alarm_sentence(question, found))}</p>"


HTML = Report("html", "HTML page", write_html)
