"""A map as a file: amplified as PNG for looking at, unamplified as NumPy array for computing.

The PNG carries its parameter record, so that the picture never parts from what it shows.
"""

import dataclasses
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app import __version__
from app.arrays import RgbU8
from app.atomic import write_bytes
from app.evidence.decode import DecodeRecord
from app.evidence.file import EvidenceFile

RECORD_KEY = "elascope.record"
"""Keyword of the PNG's iTXt chunk with the parameter record."""


def parameter_record(
    evidence: EvidenceFile, record: DecodeRecord, analysis: Mapping[str, Any]
) -> dict[str, Any]:
    """What another examiner needs to repeat a map.

    Args:
        evidence: the file; its name is not kept, its hash is.
        record: how it was decoded.
        analysis: `Finding.record`.
    """
    return {
        "program": f"elascope {__version__}",
        "sha256": evidence.sha256,
        "bytes": evidence.size,
        "decode": dataclasses.asdict(record),
        **analysis,
    }


def write_png(target: Path, picture: RgbU8, record: Mapping[str, Any]) -> None:
    """Write (height, width, 3) uint8 RGB without loss, with its record as JSON text.

    Raises:
        NotWrittenError: the target cannot be written.
    """
    text = PngInfo()
    text.add_itxt(RECORD_KEY, json.dumps(record, ensure_ascii=False))
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", pnginfo=text)
    write_bytes(target, stream.getvalue())


def write_npy(target: Path, measurement: RgbU8) -> None:
    """Write a map in NumPy's own format.

    Raises:
        NotWrittenError: the target cannot be written.
    """
    stream = io.BytesIO()
    np.save(stream, measurement, allow_pickle=False)
    write_bytes(target, stream.getvalue())
