"""A record as it must be to be replayed: every value known, typed and in its range.

Records come from others, so nothing in them is believed before it was checked.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any

from app.analysis import ANALYSES
from app.analysis.base import Analysis, Params
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.errors import InvalidParameterError, RecordRefusedError
from app.evidence.plaintext import plain
from app.report.view import Show, ViewSpec

_WORDS: dict[type | UnionType, str] = {
    str: "text",
    int: "a whole number",
    int | float: "a number",
    dict: "an object",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What was done to make a picture.

    Attributes:
        raw: the record as it was read.
        name: of the examined file, without its folder.
        sha256: of that file.
        analysis: the method.
        params: its parameters.
        unnamed: parameters that the record does not name; they have their defaults.
        view: None for the whole map at full resolution.
        output: as `app.report.picture.output_facts` gives it.
    """

    raw: Mapping[str, Any]
    name: str
    sha256: str
    analysis: Analysis
    params: Params
    unnamed: tuple[str, ...]
    view: ViewSpec | None
    output: Mapping[str, Any]


def step_of(raw: Mapping[str, Any]) -> Step:
    """Check a record from `app.report.picture.read_record`.

    Raises:
        RecordRefusedError: a value is missing, unknown or out of its range.
    """
    sha256, output = _digest(raw, "sha256"), _typed(raw, "output", dict)
    analysis = _analysis(_typed(raw, "method", str))
    values = _typed(raw, "parameters", dict)
    names = [spec.name for spec in analysis.params.specs()]
    for name in values:
        if name not in names:
            raise RecordRefusedError(
                f"{analysis.title} has no parameter {shown(name)} in this program. Another version "
                "of Elascope may have made the record."
            )
    try:
        params = analysis.params(**values)
        view = _view(_typed(raw, "view", dict)) if "view" in raw else None
    except InvalidParameterError as error:
        raise RecordRefusedError(f"The record cannot be replayed. {error.sentence}") from error
    return Step(
        raw=raw,
        name=_name(raw),
        sha256=sha256,
        analysis=analysis,
        params=params,
        unnamed=tuple(name for name in names if name not in values),
        view=view,
        output={
            "width": _typed(output, "width", int),
            "height": _typed(output, "height", int),
            "pixels_sha256": _digest(output, "pixels_sha256"),
        },
    )


def shown(value: Any) -> str:
    """A value of a record for a sentence, whatever it is."""
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _analysis(method: str) -> Analysis:
    for analysis in ANALYSES:
        if analysis.id == method:
            return analysis
    raise RecordRefusedError(
        f"This program does not know the method {shown(method)}. Another version of Elascope may "
        "have made the record."
    )


def _view(raw: Mapping[str, Any]) -> ViewSpec:
    region = _typed(raw, "region", dict)
    left, top, right, bottom = (
        _typed(region, edge, int) for edge in ("left", "top", "right", "bottom")
    )
    try:
        reduction = Reduction(_typed(raw, "reduction", str))
        show = Show(_typed(raw, "show", str))
        left_of_divider = None if raw.get("left") is None else Show(_typed(raw, "left", str))
    except ValueError as error:
        raise _damaged("its view has a word that this program does not know", error) from error
    return ViewSpec(
        region=Region(left, top, right, bottom),
        factor=_typed(raw, "factor", int),
        reduction=reduction,
        show=show,
        opacity=_typed(raw, "opacity", int | float),
        left=left_of_divider,
        divider=_typed(raw, "divider", int | float),
    )


def _name(raw: Mapping[str, Any]) -> str:
    name = str(_typed(raw, "name", str))
    if "name_bytes" in raw:
        try:
            name = os.fsdecode(bytes.fromhex(_typed(raw, "name_bytes", str)))
        except ValueError as error:
            raise _damaged("its name_bytes are not hexadecimal", error) from error
    # A record must not lead out of its folder.
    try:
        os.fsencode(name)
    except ValueError as error:
        raise _damaged("its name is not the name of a file", error) from error
    if name in ("", "..") or "\0" in name or Path(name).name != name:
        raise _damaged("its name is not the name of a file")
    return name


def _digest(raw: Mapping[str, Any], key: str) -> str:
    digest = str(_typed(raw, key, str))
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise _damaged(f"its {key} is not a SHA-256 digest")
    return digest


def _typed(raw: Mapping[str, Any], key: str, kind: type | UnionType) -> Any:
    if key not in raw:
        raise _damaged(f"it has no {key}")
    value = raw[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _damaged(f"its {key} is not {_WORDS[kind]}")
    return value


def _damaged(reason: str, cause: Exception | None = None) -> RecordRefusedError:
    return RecordRefusedError(
        f"The record is damaged or was changed by hand: {reason}.", repr(cause) if cause else ""
    )
