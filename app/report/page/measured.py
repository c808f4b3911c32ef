"""What a card says was measured, as tables; its form is free, so this goes by its shape."""

from collections.abc import Mapping
from typing import Any

from app.report.page.markup import table

_WORDS = {
    "auc": "AUC",
    "confusion": "confusion at a score of 0.5",
    "ece": "expected calibration error",
    "f1": "F1",
    "false_alarms": "false alarms at the operating point",
    "detections": "found at the operating point",
    "tpr_at_1": "found at 1 % false alarms of this set",
    "tpr_at_5": "found at 5 % false alarms of this set",
    "states": "answers",
}

_POSITIVES = "tampered_"


def measured(results: Mapping[str, Any], question: str) -> str:
    """Every result as a table.

    Args:
        results: of a card.
        question: its first one; counts by answer call its positives ``tampered``, whatever is
            asked.
    """
    return _tables(_renamed(results, question), "")


def _renamed(value: Any, question: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        f"{question}_{name.removeprefix(_POSITIVES)}" if name.startswith(_POSITIVES) else name: (
            _renamed(inner, question)
        )
        for name, inner in value.items()
    }


def _tables(results: Mapping[str, Any], caption: str) -> str:
    """Sets and groups with the same measures side by side, what goes deeper below them."""
    single = {name: value for name, value in results.items() if not isinstance(value, dict)}
    alike: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    deeper = []
    for name, value in results.items():
        if _is_column(value):
            alike.setdefault(tuple(value), {})[name] = value
        elif isinstance(value, dict):
            deeper.append((name, value))
    groups = [{"": single}] * bool(single) + list(alike.values())
    tables = [_table(columns, caption) for columns in groups]
    return "".join([*tables, *(_tables(value, _word(name)) for name, value in deeper)])


def _is_column(value: Any) -> bool:
    """Whether these are measures of one set; counts by answer are one measure."""
    return isinstance(value, dict) and not any(
        isinstance(inner, dict) and name != "states" for name, inner in value.items()
    )


def _table(columns: Mapping[str, Mapping[str, Any]], caption: str) -> str:
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [(_word(name), *(_cell(name, c.get(name)) for c in columns.values())) for name in names]
    return table(caption, ("", *map(_word, columns)), rows)


def _cell(name: str, value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case dict():
            parts = (f"{_cell('', inner)} {_word(key)}" for key, inner in value.items() if inner)
            return ", ".join(parts) or "–"
        case [[int(a), int(b)], [int(c), int(d)]] if name == "confusion":
            return f"negatives {a} right, {b} wrong; positives {d} right, {c} wrong"
        case [value, low, high] if all(isinstance(n, int | float) for n in (value, low, high)):
            return f"{value:.4g} [{low:.4g}, {high:.4g}]"
        case list() | tuple():
            return ", ".join(_cell("", inner) for inner in value)
    return str(value)


def _word(name: str) -> str:
    return _WORDS.get(name) or name.replace("_", " ")
