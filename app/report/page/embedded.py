"""The table of all rows: its controls, and the rows as data for the page's script."""

import json
from collections.abc import Iterable, Iterator, Sequence

from app.detection.verdict import State, Verdict
from app.names import one_line
from app.report.page.markup import text
from app.scan.results import Results
from app.scan.rows import STATUSES, Row

_BLOCK = 2_000
"""Rows in one piece of data: the script reads one after the other and lets go of its text."""

_KNOWN_LIMIT = 20_000
"""Texts that are remembered, so that memory does not grow with the number of rows."""

_STATES = tuple(State)

# Inside a script element only "<" could end the data; the others are for careless readers.
_UNSAFE = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


class _Known:
    """Texts that come again and again are written once; after that, their number.

    The script counts along in the same order: ``words`` in ``resources/report/rows.js``.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, value: str | None) -> str | int | None:
        if not value:
            return None
        value = one_line(value)
        number = self._numbers.get(value)
        if number is None and len(self._numbers) < _KNOWN_LIMIT:
            self._numbers[value] = len(self._numbers)
        return value if number is None else number


def table_section(results: Results, files: int) -> Iterator[str]:
    """Controls, an empty table, and the rows as JSON, a block after the other.

    Args:
        results: with the rows.
        files: number of rows.
    """
    questions = list(results.questions)
    yield (
        "<noscript><p>This table needs JavaScript, which is switched off. The same rows are in the "
        "CSV report of the scan.</p></noscript>"
    )
    yield _controls(questions)
    yield (
        '<div id="view" tabindex="0" role="region" aria-label="Table of all files; arrow keys '
        'choose a row" hidden><table id="rows"><colgroup></colgroup><thead><tr></tr></thead><tbody>'
        "</tbody></table></div>"
        '<div id="chosen" aria-live="polite" hidden></div>'
    )
    about = {
        "files": files,
        "known": _KNOWN_LIMIT,
        "states": [_word(state) for state in _STATES],
        "questions": questions,
    }
    yield f'<script type="application/json" id="about">{_json(about)}</script>\n'
    yield from _blocks(results, questions)


def _controls(questions: Sequence[str]) -> str:
    statuses = [status.replace("_", " ") for status in STATUSES]
    answers = [*map(_word, _STATES), "no answer"]
    selects = [
        _select(f"answer-{index}", question, enumerate(answers))
        for index, question in enumerate(questions)
    ]
    return (
        '<form id="filters" hidden><label>Text in name, folder, note, hash '
        '<input type="search" id="needle" autocomplete="off" spellcheck="false"></label>'
        f"{_select('status', 'Status', zip(statuses, statuses, strict=True))}{''.join(selects)}"
        '<button type="reset">Show all</button></form>'
        '<p id="counted" role="status">Reading the rows …</p>'
    )


def _select(identifier: str, label: str, options: Iterable[tuple[object, str]]) -> str:
    lines = "".join(f'<option value="{value}">{text(word)}</option>' for value, word in options)
    return (
        f'<label>{text(label)} <select id="{identifier}"><option value="">any</option>{lines}'
        "</select></label>"
    )


def _blocks(results: Results, questions: Sequence[str]) -> Iterator[str]:
    known = _Known()
    block: list[str] = []
    for row in results.rows():
        block.append(_json(_compact(row, questions, known)))
        if len(block) == _BLOCK:
            yield _block(block)
            block = []
    if block:
        yield _block(block)


def _block(rows: Sequence[str]) -> str:
    return f'<script type="application/json" class="rows">[{",".join(rows)}]</script>\n'


def _compact(row: Row, questions: Sequence[str], known: _Known) -> list[object]:
    """A row without names; the script knows the order, and None at the end is left out."""
    path, name = str(row.path), row.path.name
    values: list[object] = [
        known(path[: len(path) - len(name)]),
        one_line(name),
        known(row.status.replace("_", " ")),
        known(row.message),
        one_line(str(row.duplicate_of)) if row.duplicate_of else None,
        known(row.record.format) if row.record else None,
        row.record.width if row.record else None,
        row.record.height if row.record else None,
        row.size,
        row.sha256 or None,
    ]
    answers: dict[str, Verdict] = {verdict.question: verdict for verdict in reversed(row.verdicts)}
    for question in questions:
        verdict = answers.get(question)
        if verdict is None:
            values += [None] * 5
        else:
            scores = (verdict.score, verdict.low, verdict.high)
            rounded = [None if score is None else round(score, 6) for score in scores]
            values += [_STATES.index(verdict.state), *rounded, known(verdict.reason)]
    while values[-1] is None:
        values.pop()
    return values


def _word(state: State) -> str:
    return state.value.replace("_", " ")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)
