"""Elascope: error level analysis and calibrated verdicts for folders of images."""

import os

__version__ = "0.1.0"

# From 1.29 on onnxruntime reports each start and each model to its maker, and keeps an identifier
# of the machine in the user's cache, unless this stands before it is imported (its Privacy.md). It
# is here because nothing of the program or the trainer is imported earlier.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
