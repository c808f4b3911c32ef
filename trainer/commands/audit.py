"""The command ``elascope-trainer audit``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.errors import NotWrittenError
from app.names import printable


def add_audit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parsers of ``elascope-trainer``."""
    parser = commands.add_parser(
        "audit",
        help="say what a corpus holds, and how much of the label lies in its containers",
        description="Count formats, sizes, duplicates and shared sources of a corpus, and try how "
        "well the label can be read without looking at a pixel. No file of it is changed.",
    )
    parser.add_argument("corpus", type=Path, help="folder of the corpus, or a CSV manifest")
    parser.add_argument("--layout", default="auto", help="of the corpus (default: recognised)")
    parser.add_argument(
        "--positive",
        default="tampered",
        metavar="KIND",
        help="what is asked for: tampered, generated, or one kind of altered pictures",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots")
    parser.add_argument("--seed", type=int, default=0, help="of the proposed splits")
    parser.add_argument(
        "--no-near",
        dest="near",
        action="store_false",
        help="do not look for near duplicates, which takes the most time",
    )
    parser.set_defaults(run=run_audit)


def run_audit(options: argparse.Namespace) -> int:
    """Audit ``options.corpus``, print the tables and write what was asked for.

    Raises:
        CorpusError: the corpus is laid out otherwise, or has one class only.
        NotWrittenError: a target lies in the corpus, or cannot be written.
    """
    from app.atomic import refuse_evidence, write_bytes
    from trainer.audit.findings import audit
    from trainer.audit.text import audit_text
    from trainer.corpus.read import read_corpus

    targets = [target for target in (options.json, options.html) if target]
    if options.corpus.is_dir():
        refuse_inside(targets, [options.corpus])
    _refuse_missing_folders(targets)
    corpus = read_corpus(options.corpus, options.layout, options.positive)
    refuse_inside(targets, {example.path.parent for example in corpus.examples})
    refuse_evidence(targets, [options.corpus, *(example.path for example in corpus.examples)])
    found = audit(corpus, options.near, options.seed)
    print(audit_text(found), end="")
    if options.json:
        write_bytes(options.json, found.to_json())
    if options.html:
        from trainer.audit.page import audit_page

        write_bytes(options.html, audit_page(found))
    return 0


def refuse_targets(targets: Iterable[Path | None], corpora: Iterable[Path]) -> None:
    """Refuse targets in a corpus, or in a folder that does not exist, before hours of work.

    Raises:
        NotWrittenError: a target would become a file of a corpus, or cannot be written.
    """
    given = [target for target in targets if target]
    refuse_inside(given, map(_folder_of, corpora))
    _refuse_missing_folders(given)


def refuse_folders(folders: Sequence[Path | None], corpora: Iterable[Path]) -> None:
    """Refuse to write below a corpus, where results would be pictures or evidence one day.

    Raises:
        NotWrittenError: a folder for results is in a corpus, or is one.
    """
    real = {os.path.realpath(_folder_of(corpus)) for corpus in corpora}
    for folder in folders:
        if folder and os.path.realpath(folder) in real:
            raise _in_corpus(folder)
    refuse_inside([folder for folder in folders if folder], real)


def refuse_inside(targets: Iterable[Path], folders: Iterable[Path | str]) -> None:
    """Refuse targets in or below ``folders``, under whatever link.

    Raises:
        NotWrittenError: a target would become a file of the corpus.
    """
    real = {os.path.realpath(folder) for folder in folders}
    for target in targets:
        place = Path(os.path.realpath(target))
        if any(str(above) in real for above in place.parents):
            raise _in_corpus(target)


def _folder_of(corpus: Path) -> Path:
    return corpus.parent if corpus.is_file() else corpus


def _in_corpus(target: Path) -> NotWrittenError:
    return NotWrittenError(
        f"{printable(str(target))} would lie in the corpus, which is never written to. "
        "Choose a place outside of it."
    )


def _refuse_missing_folders(targets: Iterable[Path]) -> None:
    """Say so before minutes of reading, not after."""
    for target in targets:
        if not target.absolute().parent.is_dir():
            raise NotWrittenError(
                f"{printable(str(target))} cannot be written: its folder does not exist."
            )
