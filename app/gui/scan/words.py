"""What the scan says in words: cells, counts, progress, the end."""

from collections.abc import Sequence

from app.gui.scan.columns import Answer, Columns, note
from app.gui.scan.order import Column, Kind
from app.names import one_line, printable
from app.scan.rows import Row

_COUNTED = (Answer.POSITIVE, Answer.INCONCLUSIVE, Answer.NEGATIVE, Answer.OUTSIDE_VALIDITY)


def cell(columns: Columns, at: int, column: Column) -> str:
    """The text of one cell."""
    row = columns.row(at)
    match column.kind:
        case Kind.FILE:
            return columns.files.names[at]
        case Kind.FOLDER:
            return columns.files.folders[at]
        case Kind.STATUS:
            return row.status.replace("_", " ")
        case Kind.NOTE:
            return full_note(row)
    answers = columns.answers[column.question]
    answer = Answer(answers.answer[at])
    if column.kind is Kind.STATE:
        return answer.word if answer.state else ""
    numbers = (answers.low, answers.high) if column.kind is Kind.RANGE else (answers.score,)
    values = [float(number[at]) for number in numbers]
    if any(value != value for value in values):  # NaN: there is none
        return ""
    return "–".join(f"{value:.2f}" for value in values) if len(values) > 1 else f"{values[0]:.3f}"


def full_note(row: Row) -> str:
    """What stands beside a row, and which file has the same content."""
    text = one_line(note(row))
    if row.duplicate_of is None:
        return text
    return f"Same content as {one_line(row.duplicate_of.name)}. {text}".strip()


def heading(column: Column) -> str:
    """What stands above a column."""
    return column.question.capitalize() if column.kind is Kind.STATE else column.kind.value


def as_text(columns: Columns, places: Sequence[int], shown: Sequence[Column]) -> str:
    """Rows for the clipboard: paths and cells divided by tabs, below their headings."""
    others = [column for column in shown if column.kind not in (Kind.FILE, Kind.FOLDER)]
    named = [
        f"{column.question} {column.kind.value.lower()}" if column.question else heading(column)
        for column in others
    ]
    lines = ["\t".join(("Path", *named))]
    for at in places:
        cells = (cell(columns, at, column) for column in others)
        lines.append("\t".join((one_line(str(columns.files.paths[at])), *cells)))
    return "\n".join(lines)


def paths_as_text(columns: Columns, places: Sequence[int]) -> str:
    """Paths for the clipboard, one to a line."""
    return "\n".join(printable(str(columns.files.paths[at])) for at in places)


def conspicuous_sentence(columns: Columns) -> str:
    """What of the rows so far asks for a look: answers, then every status but ``ok``."""
    if columns.count and not columns.answers:
        return _sentence(columns, ("No model was asked, so rows have no verdicts",), ())
    return _sentence(columns, (), (Answer.POSITIVE, Answer.INCONCLUSIVE))


def counts_sentence(columns: Columns) -> str:
    """What the rows say so far: all answers, then every status but ``ok``."""
    return _sentence(columns, (), _COUNTED)


def _sentence(columns: Columns, first: Sequence[str], counted: Sequence[Answer]) -> str:
    parts = list(first)
    for question in columns.answers:
        counts = columns.answer_counts(question)
        said = ", ".join(f"{counts[a]:,} {a.word}" for a in counted if a in counts)
        if said:
            parts.append(f"{question}: {said}" if len(columns.answers) > 1 else said)
    failed = {name: n for name, n in columns.status_counts().items() if name != "ok"}
    parts += [f"{n:,} {name.replace('_', ' ')}" for name, n in failed.items()]
    return " · ".join(parts)


def amount(count: int, noun: str) -> str:
    """Such as ``1 row`` and ``1,234 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shown_of(shown: int, total: int) -> str:
    """How many rows are shown."""
    return f"{shown:,} of {amount(total, 'row')} shown"


def duration(seconds: float) -> str:
    """Such as ``40 s``, ``2 min 5 s``, ``3 h 12 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def speed(per_second: float) -> str:
    """How many files a second or a minute."""
    if per_second >= 10:
        return f"{per_second:,.0f} files/s"
    return f"{per_second:.1f} files/s" if per_second >= 0.95 else f"{60 * per_second:.0f} files/min"
