"""What an analysis is: declared parameters, a measurement, and a picture of it.

The sliders of the window, the flags of the command line, the help text and the parameter
record are all made from the fields of ``Params``; nobody writes a slider by hand.
"""

import dataclasses
import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from numpy.typing import NDArray

from app.analysis.memory import memory_translated
from app.analysis.region import Region
from app.analysis.rendering import Rendering
from app.analysis.survey import Measure, measure_banded
from app.arrays import MapArray, RgbU8
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
        only_with: name and value of another parameter without which this one has no effect.
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
    only_with: tuple[str, ParamValue] | None = None

    def counts(self, values: Mapping[str, ParamValue]) -> bool:
        """Whether the parameter has an effect beside the others' ``values``."""
        return self.only_with is None or values[self.only_with[0]] == self.only_with[1]

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
            # Not as float: a whole number may be too large for one.
            exact = cast(float, value)
            inside = (low is None or exact >= low) and (high is None or exact <= high)
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


def needs_measurement(known: Params, wanted: Params) -> bool:
    """Whether what changed asks for a new measurement, and not only for another lookup."""
    return type(known) is not type(wanted) or any(
        spec.needs_measurement and getattr(known, spec.name) != getattr(wanted, spec.name)
        for spec in wanted.specs()
    )


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """The result of one analysis of one picture.

    Attributes:
        measurement: the map in its own unit, before any amplification.
        rendering: the map as a picture.
        record: method, version, encoder and parameters; enough to repeat the step.
    """

    measurement: MapArray
    rendering: Rendering
    record: Mapping[str, Any]


def _as_they_are(params: Any, _: JpegFacts | None) -> Any:
    return params


@dataclass(frozen=True, slots=True)
class Analysis:
    """One method.

    ``measure`` does what depends on the codec and may take long; ``render`` is a lookup on
    its result and never waits. ``run`` does both.

    Attributes:
        id: stable name for commands and records.
        title: for menus.
        params: the class of its parameters.
        measure: (height, width, 3) uint8 RGB, parameters and a region of it -> the map of the
            region. It is local: byte for byte the same as that part of the whole picture's map,
            at the cost of the region and a small margin.
        render: a map, or a map reduced by the mean (float32) -> picture.
        read_out: the values of one pixel of a map, (channels,) -> text for the status line.
        record: what else, besides the parameters, another examiner needs to repeat the step.
        read: what a file's own facts allow to conclude from its map, the most important
            sentence first.
        shows: what the map shows.
        shows_not: what it does not.
        misleads: when it misleads.
        source: where the method is described.
        resolve: replaces choices that depend on the file ("as in the file") by what they come to.
        presets: named sets of parameters.
    """

    id: str
    title: str
    params: type[Params]
    measure: Callable[[RgbU8, Any, Region], MapArray]
    render: Callable[[MapArray, Any], Rendering]
    read_out: Callable[[NDArray[Any], Any], str]
    record: Callable[[], Mapping[str, str]]
    read: Callable[[DecodeRecord, JpegFacts | None, Any], tuple[str, ...]]
    shows: str
    shows_not: str
    misleads: str
    source: str
    resolve: Callable[[Any, JpegFacts | None], Any] = _as_they_are
    presets: tuple[tuple[str, Params], ...] = ()

    def measuring(self, params: Params) -> Measure:
        """``measure`` with its parameters, as `app.analysis.survey` takes it."""
        return functools.partial(self._measure_with, params)

    def _measure_with(self, params: Params, pixels: RgbU8, region: Region) -> MapArray:
        return self.measure(pixels, params, region)

    @memory_translated()
    def run(
        self,
        pixels: RgbU8,
        params: Params,
        region: Region | None = None,
        stop: threading.Event | None = None,
        threads: int = 1,
    ) -> Finding:
        """Measure in bands, and render.

        Args:
            pixels: (height, width, 3) uint8 RGB at full resolution.
            params: resolved (`resolve`).
            region: the part wanted; by default all.
            stop: looked at between bands.
            threads: that share the bands.

        Raises:
            CancelledError: ``stop`` was set.
            TooLargeError: memory ran out, or the method cannot take so long a side.
        """
        region = region or Region.whole(pixels)
        measurement = measure_banded(self.measuring(params), pixels, region, stop, threads)
        return Finding(measurement, self.render(measurement, params), self.describe(params))

    def caption(self, params: Params) -> str:
        """Title and parameters in a line, for beside the map.

        What has no effect goes unsaid, and so does a box that is off.
        """
        parts = []
        for spec in params.specs():
            if not spec.counts(params.values()):
                continue
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
