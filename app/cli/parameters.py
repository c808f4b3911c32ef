"""The parameters of an analysis as flags and their help, and what was typed as parameters."""

import argparse
import functools
from collections.abc import Sequence

from app.analysis.base import Analysis, Params, ParamSpec, ParamValue
from app.errors import InvalidParameterError


def add_parameters(parser: argparse.ArgumentParser, analysis: Analysis) -> None:
    """Add ``--param`` and a flag for each parameter; ``chosen`` has what was typed, in order."""
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        dest="chosen",
        type=_named_value,
        metavar="NAME=VALUE",
        help="any of the parameters below by its name",
    )
    for spec in analysis.params.specs():
        _add_parameter(parser, spec)


def _add_parameter(parser: argparse.ArgumentParser, spec: ParamSpec) -> None:
    """Add a flag that says the same as ``--param NAME=VALUE``."""
    flag = spec.name.replace("_", "-")
    text = f"{spec.help} {_values(spec)}.".replace("%", "%%")
    if isinstance(spec.default, bool):
        kept = "append_const"
        on, off = (spec.name, "yes"), (spec.name, "no")
        parser.add_argument(f"--{flag}", action=kept, const=on, dest="chosen", help=text)
        opposite = f"The opposite of --{flag}."
        parser.add_argument(f"--no-{flag}", action=kept, const=off, dest="chosen", help=opposite)
        return
    parser.add_argument(
        f"--{flag}",
        action="append",
        dest="chosen",
        type=functools.partial(_paired, spec.name),
        metavar="VALUE",
        help=text,
    )


def _values(spec: ParamSpec) -> str:
    if isinstance(spec.default, bool):
        return f"yes or no; default {'yes' if spec.default else 'no'}"
    numbers = f"{spec.minimum} to {spec.maximum} {spec.unit}".rstrip()
    return f"{', '.join(spec.choices) or numbers}; default {spec.default}"


def flag_table(analysis: Analysis) -> str:
    """One line for each flag of the analysis, with its values and its default."""
    lines = [(_flag(spec), _values(spec)) for spec in analysis.params.specs()]
    width = max((len(flag) for flag, _ in lines), default=0)
    return "\n".join(f"    {flag:<{width}}  {values}" for flag, values in lines)


def _flag(spec: ParamSpec) -> str:
    name = spec.name.replace("_", "-")
    return f"--[no-]{name}" if isinstance(spec.default, bool) else f"--{name}"


def _paired(name: str, text: str) -> tuple[str, str]:
    return name, text


def _named_value(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    return name.replace("-", "_"), value


def typed_params(analysis: Analysis, chosen: Sequence[tuple[str, str]]) -> Params:
    """The parameters that were chosen, the last word on each, and the defaults of the others.

    Raises:
        InvalidParameterError: there is no parameter of that name, or its value is refused.
    """
    specs = {spec.name: spec for spec in analysis.params.specs()}
    values = {}
    for name, text in chosen:
        if name not in specs:
            raise InvalidParameterError(
                f"{analysis.title} has no parameter {name!r}. It has {', '.join(specs)}."
            )
        values[name] = _typed(specs[name], text)
    return analysis.params(**values)


def _typed(spec: ParamSpec, text: str) -> ParamValue:
    """``text`` as the type of the parameter, or as it is; then the check says what is wrong."""
    if isinstance(spec.default, bool):
        return {"yes": True, "no": False}.get(text, text)
    try:
        # Python would take 9_0 for 90, and digits of any writing.
        return text if "_" in text or not text.isascii() else type(spec.default)(text)
    except ValueError:
        return text
