import dataclasses
from typing import Any

import pytest

from app.analysis.base import Params, needs_measurement, parameter
from app.analysis.ela import ELA, ElaParams
from app.errors import InvalidParameterError


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"quality": 0}, "Quality must lie between 1 and 100."),
        ({"quality": 101}, "Quality must lie between 1 and 100."),
        ({"quality": 10**400}, "Quality must lie between 1 and 100."),
        ({"scale": 10**400}, "Scale must lie between 1 and 100."),
        ({"quality": "90"}, "Quality must be a number."),
        ({"quality": 90.0}, "Quality must be a number."),
        ({"quality": True}, "Quality must be a number."),
        ({"scale": 0.99}, "Scale must lie between 1 and 100."),
        ({"scale": float("nan")}, "Scale must lie between 1 and 100."),
        ({"scale": float("inf")}, "Scale must lie between 1 and 100."),
        ({"scale": "15"}, "Scale must be a number."),
        ({"scale": False}, "Scale must be a number."),
        ({"subsampling": "4:1:1"}, "Subsampling must be one of 4:4:4, 4:2:2, 4:2:0, as in file."),
        ({"subsampling": 420}, "Subsampling must be one of 4:4:4, 4:2:2, 4:2:0, as in file."),
        ({"auto_gain": 1}, "Auto gain must be yes or no."),
        ({"auto_gain": "no"}, "Auto gain must be yes or no."),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(
    values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        ElaParams(**values)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    "values",
    [{"quality": 1}, {"quality": 100}, {"scale": 1}, {"scale": 100}, {"subsampling": "4:4:4"}],
)
def test_the_ends_of_a_range_are_allowed(values: dict[str, Any]) -> None:
    assert values.items() <= ElaParams(**values).values().items()


def test_parameters_cannot_be_changed_once_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ElaParams().quality = 7  # type: ignore[misc]


@dataclasses.dataclass(frozen=True, slots=True)
class _HandMade(Params):
    radius: int = parameter(3, help="Of the disc.", minimum=1, maximum=9, step=2, unit="px")
    kind: str = parameter("round", help="Of disc.", choices=("round", "square"))


def test_specs_repeat_the_declaration_in_order() -> None:
    radius, kind = _HandMade.specs()
    assert (radius.name, radius.default, radius.help) == ("radius", 3, "Of the disc.")
    assert (radius.minimum, radius.maximum, radius.step, radius.unit) == (1, 9, 2, "px")
    assert (kind.name, kind.choices, kind.needs_measurement) == ("kind", ("round", "square"), True)


def test_checks_follow_the_declaration_of_any_analysis() -> None:
    assert _HandMade(radius=9, kind="square").values() == {"radius": 9, "kind": "square"}
    with pytest.raises(InvalidParameterError, match="Radius must lie between 1 and 9"):
        _HandMade(radius=10)
    with pytest.raises(InvalidParameterError, match="Kind must be one of round, square"):
        _HandMade(kind="oval")


@dataclasses.dataclass(frozen=True, slots=True)
class _OneSided(Params):
    radius: int = parameter(3, help="Of the disc.", minimum=1)
    share: float = parameter(0.5, help="Of the disc.", maximum=0.75)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"radius": 0}, "Radius must be at least 1."),
        ({"share": 0.76}, "Share must be at most 0.75."),
        ({"share": float("nan")}, "Share must be at most 0.75."),
    ],
)
def test_a_limit_on_one_side_alone_is_checked(values: dict[str, Any], sentence: str) -> None:
    assert _OneSided(radius=10**6, share=-1e6).values() == {"radius": 10**6, "share": -1e6}
    with pytest.raises(InvalidParameterError) as caught:
        _OneSided(**values)
    assert caught.value.sentence == sentence


@dataclasses.dataclass(frozen=True, slots=True)
class _Shown(Params):
    radius: int = parameter(3, help="Of the disc.", minimum=1)
    colour: str = parameter("red", help="Of it.", choices=("red", "blue"), needs_measurement=False)


def test_only_a_changed_parameter_that_is_measured_with_asks_for_a_measurement() -> None:
    known = _Shown()
    assert not needs_measurement(known, _Shown())
    assert not needs_measurement(known, _Shown(colour="blue"))
    assert needs_measurement(known, _Shown(radius=4))
    assert needs_measurement(known, _Shown(radius=4, colour="blue"))
    assert needs_measurement(known, _HandMade())


def test_a_caption_has_numbers_with_units_and_leaves_out_what_is_off() -> None:
    title = "Error Level Analysis: quality 90, subsampling 4:2:0,"
    caption = ELA.caption(ElaParams(scale=12.5))
    assert caption == f"{title} scale 12.5x, channel RGB, colours grey"
    # With auto gain the scale has no effect.
    caption = ELA.caption(ElaParams(scale=12.5, auto_gain=True))
    assert caption == f"{title} channel RGB, colours grey, auto gain"
