"""What an analysis is: declared parameters, a measurement, and a picture of it.

The sliders of the window, the flags of the command line, the help text and the parameter
record are all made from the fields of ``Params``; nobody writes a slider by hand.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from app.arrays import RgbU8
from app.errors import InvalidParameterError
from app.evidence.decode import DecodeRecord
from app.evidence.jpeg import JpegFacts

ParamValue = int | float | str | bool


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """Range and meaning of one parameter.

    Attributes:
        name: field name, also the flag's name.
        default: value when nothing is chosen.
        help: one sentence for the analyst.
        minimum: smallest value of a number.
        maximum: largest value of a number.
        step: distance between slider positions.
        unit: shown behind the number.
        choices: allowed words of a text parameter.
        needs_measurement: a change asks for a new measurement (the codec runs again); if
            False only the rendering of the kept measurement changes.
    """

    name: str
    default: ParamValue
    help: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    needs_measurement: bool = True

    def check(self, value: ParamValue) -> None:
        """Refuse a value of the wrong type or out of range.

        Raises:
            InvalidParameterError: with the allowed values in the sentence.
        """
        label = self.name.replace("_", " ").capitalize()
        if self.choices and value not in self.choices:
            raise InvalidParameterError(f"{label} must be one of {', '.join(self.choices)}.")
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise InvalidParameterError(f"{label} must be yes or no.")
        elif isinstance(self.default, int | float):
            number = isinstance(value, int if isinstance(self.default, int) else int | float)
            low, high = self.minimum, self.maximum
            if not number or isinstance(value, bool):
                raise InvalidParameterError(f"{label} must be a number.")
            inside = (low is None or float(value) >= low) and (high is None or float(value) <= high)
            if not inside:
                raise InvalidParameterError(f"{label} must {_range(low, high)}.")


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"be at most {high:g}"
    return f"be at least {low:g}" if high is None else f"lie between {low:g} and {high:g}"


def parameter(default: ParamValue, *, help: str, **limits: Any) -> Any:  # noqa: A002
    """Declare a field of ``Params``; ``limits`` are the further attributes of `ParamSpec`."""
    return dataclasses.field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True, slots=True)
class Params:
    """Base of all parameter sets. Values are checked when one is made."""

    def __post_init__(self) -> None:
        for spec in self.specs():
            spec.check(getattr(self, spec.name))

    @classmethod
    def specs(cls) -> tuple[ParamSpec, ...]:
        """Every parameter in the order of its declaration."""
        return tuple(
            ParamSpec(name=field.name, default=cast(ParamValue, field.default), **field.metadata)
            for field in dataclasses.fields(cls)
        )

    def values(self) -> dict[str, ParamValue]:
        """Name to value, as the parameter record keeps them."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Legend:
    """What the ends of a rendered map's scale mean, in the measurement's own unit."""

    low: str
    high: str
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """A measurement made visible: uint8 RGB of the same size, and its legend."""

    picture: RgbU8
    legend: Legend


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """The result of one analysis of one picture.

    Attributes:
        measurement: the map in its own unit, before any amplification.
        rendering: the map as a picture.
        record: method, version, encoder and parameters; enough to repeat the step.
    """

    measurement: RgbU8
    rendering: Rendering
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Analysis:
    """One method.

    ``measure`` does what depends on the codec and may take long; ``render`` is a lookup on
    its result and never waits. ``run`` does both.

    Attributes:
        id: stable name for commands and records.
        title: for menus.
        params: the class of its parameters.
        measure: (height, width, 3) uint8 RGB -> map of the same shape.
        render: map -> picture.
        record: what else, besides the parameters, another examiner needs to repeat the step.
        read: what a file's own facts allow to conclude from its map, the most important
            sentence first.
        shows: what the map shows.
        shows_not: what it does not.
        misleads: when it misleads.
        source: where the method is described.
    """

    id: str
    title: str
    params: type[Params]
    measure: Callable[[RgbU8, Any], RgbU8]
    render: Callable[[RgbU8, Any], Rendering]
    record: Callable[[], Mapping[str, str]]
    read: Callable[[DecodeRecord, JpegFacts | None, Any], tuple[str, ...]]
    shows: str
    shows_not: str
    misleads: str
    source: str

    def run(self, pixels: RgbU8, params: Params) -> Finding:
        """Measure and render ``pixels``, (height, width, 3) uint8 RGB at full resolution."""
        measurement = self.measure(pixels, params)
        return Finding(measurement, self.render(measurement, params), self.describe(params))

    def caption(self, params: Params) -> str:
        """Title and parameters in a line, for beside the map. A box that is off goes unsaid."""
        parts = []
        for spec in params.specs():
            value, name = getattr(params, spec.name), spec.name.replace("_", " ")
            if isinstance(value, bool):
                parts += [name] if value else []
            else:
                number = f"{value:g}" if isinstance(value, float) else str(value)
                parts.append(f"{name} {number}{spec.unit}")
        return f"{self.title}: {', '.join(parts)}"

    def describe(self, params: Params) -> dict[str, Any]:
        """The parameter record of a run with ``params``."""
        return {"method": self.id, **self.record(), "parameters": params.values()}
