"""A map as a file: amplified as PNG for looking at, unamplified as NumPy array for computing.

The PNG carries its parameter record, so that the picture never parts from what it shows.
docs/record.md describes the record.
"""

import dataclasses
import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import PIL
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app import __version__
from app.analysis.memory import memory_translated
from app.arrays import MapArray, RgbU8
from app.atomic import write_stream
from app.evidence.decode import DecodeRecord
from app.evidence.file import EvidenceFile
from app.names import printable
from app.report.record import RECORD_KEY, RECORD_SCHEMA


def parameter_record(
    evidence: EvidenceFile, record: DecodeRecord, analysis: Mapping[str, Any]
) -> dict[str, Any]:
    """What another examiner needs to repeat a map; without a view it is of the whole picture.

    Args:
        evidence: the file; its name is kept, its folder is not.
        record: how it was decoded.
        analysis: `Finding.record`.
    """
    name = evidence.path.name
    shown = printable(name)
    return {
        "program": f"elascope {__version__}",
        "record": RECORD_SCHEMA,
        "name": shown,
        **({} if shown == name else {"name_bytes": os.fsencode(name).hex()}),
        "sha256": evidence.sha256,
        "bytes": evidence.size,
        "decode": dataclasses.asdict(record),
        **analysis,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of the program and of the libraries that its pixels depend on."""
    return {
        "elascope": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
    }


def output_facts(picture: RgbU8) -> dict[str, Any]:
    """Size of a picture and SHA-256 over its bytes R, G, B, row after row."""
    height, width = picture.shape[:2]
    digest = hashlib.sha256(np.ascontiguousarray(picture).data).hexdigest()
    return {"width": width, "height": height, "pixels_sha256": digest}


def record_text(record: Mapping[str, Any], indent: int | None = None) -> str:
    """The record as JSON."""
    return json.dumps(record, indent=indent, ensure_ascii=False, allow_nan=False)


@memory_translated()
def write_png(target: Path, picture: RgbU8, record: Mapping[str, Any]) -> None:
    """Write (height, width, 3) uint8 RGB without loss, with its record as JSON text.

    The record's ``output`` is set to the facts of ``picture``.

    Raises:
        NotWrittenError: the target cannot be written.
        TooLargeError: memory ran out.
    """
    text = PngInfo()
    text.add_itxt(RECORD_KEY, record_text({**record, "output": output_facts(picture)}))
    image = Image.fromarray(picture)
    write_stream(target, lambda stream: image.save(stream, "PNG", pnginfo=text))


def write_npy(target: Path, measurement: MapArray) -> None:
    """Write a map in NumPy's own format, from where it lies in memory.

    Raises:
        NotWrittenError: the target cannot be written.
    """
    array = np.ascontiguousarray(measurement)
    header = np.lib.format.header_data_from_array_1_0(array)

    def write(stream: BinaryIO) -> None:
        # As numpy.save does, but its own way of writing loses the reason when a disk is full.
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(array.data)

    write_stream(target, write)
