"""Settings: dataclass fields that carry their own help, range and choices.

The command line's options, its help, and the refusal of values out of range are all made from
the fields; nobody writes an option by hand.
"""

import argparse
import dataclasses
import math
import typing
from typing import Any, TypeVar

from trainer.errors import CorpusError

_T = TypeVar("_T")


def setting(
    default: Any,
    words: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field.

    Args:
        default: its value, or a class or function that makes it.
        words: what it is, as the command line's help says it.
        low: smallest value of a number, or of each number of a pair.
        high: largest value.
        choices: the allowed words.
    """
    metadata = {"help": words, "low": low, "high": high, "choices": choices}
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def check(settings: Any) -> None:
    """Refuse a value that would end in a traceback or in nothing, before hours of work.

    Raises:
        CorpusError: with the field and its range or choices.
    """
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        low, high = item.metadata.get("low"), item.metadata.get("high")
        if low is not None and high is not None:
            numbers = value if isinstance(value, tuple) else (value,)
            # Not with `not low > number`: a NaN compares as false.
            if not all(math.isfinite(n) and low <= n <= high for n in numbers):
                raise CorpusError(f"{item.name} must lie between {low:g} and {high:g}.")
        choices = item.metadata.get("choices") or ()
        words = value if isinstance(value, tuple) else (value,)
        if choices and not set(words) <= set(choices):
            raise CorpusError(f"{item.name} must be one of {', '.join(choices)}.")


def add_options(parser: "argparse._ActionsContainer", kind: type, prefix: str = "") -> None:
    """Add an option for every field of the dataclass ``kind``.

    Nothing has a default: what is not given stays as the recipe has it. A field that is a
    dataclass itself gives its options with the field's name in front; where it may be absent,
    ``--no-FIELD`` takes it away.
    """
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        hint, absent = _without_none(hints[item.name])
        name = prefix + item.name
        flag = "--" + name.replace("_", "-")
        common: dict[str, Any] = {
            "dest": name,
            "default": argparse.SUPPRESS,
            "help": item.metadata.get("help", "").replace("%", "%%"),
        }
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            if absent:
                parser.add_argument(
                    f"--no-{flag[2:]}", **common | {"action": "store_const", "const": None}
                )
            add_options(parser, hint, name + "_")
        elif hint is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, **common)
        elif typing.get_origin(hint) is tuple:
            inner = typing.get_args(hint)
            pair = Ellipsis not in inner
            parser.add_argument(
                flag,
                type=inner[0],
                nargs=len(inner) if pair else "*",
                metavar=("LOW", "HIGH") if pair else item.name.upper(),
                **common,
            )
        elif item.metadata.get("choices"):
            parser.add_argument(flag, choices=item.metadata["choices"], **common)
        elif item.name != "name" or prefix:
            metavar = {int: "N", float: "X", str: "TEXT"}[hint]
            parser.add_argument(flag, type=hint, metavar=metavar, **common)


def changed(settings: _T, options: argparse.Namespace, prefix: str = "") -> _T:
    """``settings`` with what the command line gave.

    Raises:
        CorpusError: a value is out of range, or a part was taken away and changed at once.
    """
    given = vars(options)
    changes: dict[str, Any] = {}
    for item in dataclasses.fields(settings):  # type: ignore[arg-type]
        name = prefix + item.name
        value = getattr(settings, item.name)
        part = _part(type(settings), item.name)
        if part is not None:
            inside = any(key.startswith(name + "_") for key in given)
            if name in given and inside:
                flag = name.replace("_", "-")
                raise CorpusError(f"--no-{flag} and an option of {flag} exclude each other.")
            if name in given:
                changes[item.name] = None
            elif inside:
                base = part() if value is None else value
                changes[item.name] = changed(base, options, name + "_")
        elif name in given:
            found = given[name]
            changes[item.name] = tuple(found) if isinstance(found, list) else found
    return dataclasses.replace(settings, **changes)  # type: ignore[type-var]


def restored(kind: type[_T], stored: Any) -> _T:
    """The settings that JSON holds; fields that an older trainer did not know get their default.

    Raises:
        KeyError, TypeError: it holds something else.
    """
    hints = typing.get_type_hints(kind)
    known = {item.name for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(stored) - known):
        raise KeyError(unknown[0])
    values: dict[str, Any] = {}
    for name, value in stored.items():
        part = _part(kind, name)
        if part is not None:
            values[name] = None if value is None else restored(part, value)
        elif typing.get_origin(hints[name]) is tuple:
            values[name] = tuple(value)
        else:
            values[name] = value
    return kind(**values)


def _part(kind: type, name: str) -> type[Any] | None:
    """The dataclass that a field holds, if it holds one."""
    hint, _ = _without_none(typing.get_type_hints(kind)[name])
    return hint if dataclasses.is_dataclass(hint) and isinstance(hint, type) else None


def _without_none(hint: Any) -> tuple[Any, bool]:
    inner = typing.get_args(hint)
    if type(None) in inner:
        return next(one for one in inner if one is not type(None)), True
    return hint, False
