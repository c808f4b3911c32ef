"""``elascope replay``: a recorded picture is made again and compared."""

import argparse
import threading

from app.cli.terminal import EXIT_FAILED, decoders_silenced, interrupt_sets
from app.names import one_line
from app.report.replay import replay_file


def replay(options: argparse.Namespace) -> int:
    """Print what the comparison found, a sentence on each line."""
    stop = threading.Event()
    with decoders_silenced(), interrupt_sets(stop):
        outcome = replay_file(options.record, options.image, stop)
    for sentence in outcome.sentences:
        print(one_line(sentence))
    return 0 if outcome.same else EXIT_FAILED
