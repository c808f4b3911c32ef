"""The man page: what is asked by hand, and every command and option from the parser itself.

    build/cpu/venv/bin/python packaging/linux/manpage.py > elascope.1

Runs in an environment that the program runs in.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import release  # noqa: E402

sys.path[:0] = [str(release.ROOT)]

from app.cli import _parser  # noqa: E402

ABOUT = r"""
.SH DESCRIPTION
Elascope helps people who must say how an image came to be.
It shows images with Error Level Analysis, JPEG ghosts and noise, asks calibrated models whether an
image was altered, where, and whether a generator made it, looks for parts that are there twice, and
writes a report in which every file has a row.
.PP
It works offline and opens evidence read\-only.
Without a command, or with
.BR open ,
the window opens, which has its own help (F1).
.PP
JPEG, MPO, PNG, TIFF, WebP, BMP, GIF and AVIF are read; of several pictures in a file the first.
""".strip()

AFTER = r"""
.SH EXIT STATUS
.TP
.B 0
Everything that was asked for was done.
A scan ends with 0 when every file has a row, however broken the files are.
.TP
.B 1
It was not done; a line on standard error says why.
.B replay
ends with 1 when what it made again is not the same.
.TP
.B 2
The command line was not understood.
.TP
.B 130
It was interrupted.
A scan has written a valid report of the rows so far and can be resumed.
.SH ENVIRONMENT
.TP
.BR XDG_DATA_HOME ", " XDG_CACHE_HOME
Where the folders of the user lie; by default
.I \(ti/.local/share
and
.IR \(ti/.cache .
.TP
.B QT_QPA_PLATFORM
How the window reaches the screen, such as
.B wayland
or
.BR xcb ;
by default Qt chooses.
.SH FILES
.TP
.I \(ti/.local/share/elascope/models
Models of the user; each is a folder with an ONNX file and its card.
.TP
.I \(ti/.local/share/elascope/backbones
Networks that several models share.
.TP
.I \(ti/.local/share/elascope/window.ini
How the window was left.
.TP
.I \(ti/.cache/elascope
Thumbnails, which can be made again.
.TP
.IR REPORT .journal
Beside the first report of a scan: the rows that are known.
.B \-\-resume
goes on with it.
.SH EXAMPLES
Judge every image of a folder, with a table for programs and a page for people:
.PP
.in +4n
.EX
elascope scan pictures \-\-csv report.csv \-\-html report.html
.EE
.in
.PP
Go on after an interruption:
.PP
.in +4n
.EX
elascope scan pictures \-\-csv report.csv \-\-html report.html \-\-resume
.EE
.in
.PP
Write the error level map of one image, and make it again later to compare:
.PP
.in +4n
.EX
elascope ela image.jpg \-\-output map.png
elascope replay map.png \-\-image image.jpg
.EE
.in
.PP
Mark where a model finds alterations:
.PP
.in +4n
.EX
elascope where image.jpg \-\-png marked.png \-\-json regions.json
.EE
.in
.SH NOTES
An answer is evidence, not proof: read the card of the model that gave it.
.SH SEE ALSO
.UR https://github.com/elascope/elascope
The project's page
.UE
""".strip()


def main() -> int:
    """Print the page."""
    sys.stdout.reconfigure(encoding="utf-8")
    print(page())
    return 0


def page() -> str:
    """The whole page in roff, the same for every build of one commit."""
    day = datetime.fromtimestamp(release.epoch(), UTC).strftime("%Y-%m-%d")
    top = _parser("")
    found = list(commands())
    lines = [
        f'.TH ELASCOPE 1 "{day}" "Elascope {release.version()}" "User Commands"',
        ".SH NAME",
        r"elascope \- examine how images came to be",
        ".SH SYNOPSIS",
        *synopsis("elascope", top),
    ]
    for name, parser in found:
        lines += [".br", *synopsis(name, parser)]
    lines += [ABOUT, ".SH OPTIONS", *options(top), ".SH COMMANDS"]
    for name, parser in found:
        lines += section(name, parser, helps()[name])
    return "\n".join([*lines, AFTER])


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its parser, and below it those of its own."""
    for name in subcommands(_parser("")):
        # Flags of a command are made when it is asked for.
        yield from with_subcommands(f"elascope {name}", subcommands(_parser(name))[name])


def with_subcommands(
    name: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """A command, then those below it."""
    yield name, parser
    for word, below in subcommands(parser).items():
        yield from with_subcommands(f"{name} {word}", below)


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def helps() -> dict[str, str]:
    """Every command and the line that its parent says about it."""
    found = {}
    for name, parser in [("elascope", _parser("")), *commands()]:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for choice in action._choices_actions:
                    found[f"{name} {choice.dest}"] = choice.help or ""
    return found


def synopsis(name: str, parser: argparse.ArgumentParser) -> list[str]:
    """How a command is called, on one line."""
    below = subcommands(parser)
    words = [rf"\fB{escaped(name)}\fR"]
    words += [rf"[\fI{escaped('OPTION')}\fR]..."] if any(flags(parser)) else []
    words += [places(action, parser) for action in arguments(parser)]
    if below:
        words.append(r"[\fICOMMAND\fR ...]")
    return [" ".join(words)]


def section(name: str, parser: argparse.ArgumentParser, line: str) -> list[str]:
    """What a command does and takes."""
    said = parser.description or f"{line[:1].upper()}{line[1:]}."
    lines = [f".SS {escaped(name)}", *sentences(said)]
    for action in arguments(parser):
        lines += [".TP", places(action, parser), *sentences(expanded(parser, action))]
    return [*lines, *options(parser)]


def options(parser: argparse.ArgumentParser) -> list[str]:
    """The options of a parser, each with its help."""
    lines = []
    for action in flags(parser):
        names = ", ".join(rf"\fB{escaped(name)}\fR" for name in action.option_strings)
        value = "" if action.nargs == 0 else f" {places(action, parser)}"
        lines += [".TP", names + value, *sentences(expanded(parser, action))]
    return lines


def flags(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options of a parser that have a help."""
    for action in parser._actions:
        if action.option_strings and action.help is not argparse.SUPPRESS:
            yield action


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a parser takes by place, commands left out."""
    return [
        action
        for action in parser._actions
        if not action.option_strings and not isinstance(action, argparse._SubParsersAction)
    ]


def places(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """The values of an argument as its parser would write them, in italics."""
    formatter = parser._get_formatter()
    default = action.dest.upper() if action.option_strings else action.dest
    return rf"\fI{escaped(formatter._format_args(action, default))}\fR"


def expanded(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """The help of an argument, with its defaults put in."""
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def sentences(text: str) -> list[str]:
    """Text as roff wants it: a line for each sentence, nothing taken for a request."""
    parts = re.split(r"(?<=[a-z)]\.) (?=[A-Z])", " ".join(text.split()))
    return [escaped(part) for part in parts]


def escaped(text: str) -> str:
    """Text that roff prints as it is; hyphens stay those that can be typed."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    text = text.replace("~", r"\(ti").replace("^", r"\(ha")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.exit(main())
