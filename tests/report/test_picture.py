import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.errors import NotWrittenError
from app.report.picture import write_npy, write_png
from tests.pictures import noise


def test_a_png_holds_exactly_the_picture(tmp_path: Path) -> None:
    picture = noise(17, 23)
    write_png(tmp_path / "map.png", picture)
    read = cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(read, picture)


def test_an_array_holds_exactly_the_measurement_and_needs_no_pickle(tmp_path: Path) -> None:
    measurement = noise(17, 23)
    write_npy(tmp_path / "map.npy", measurement)
    read = np.load(io.BytesIO((tmp_path / "map.npy").read_bytes()), allow_pickle=False)
    assert read.dtype == np.uint8
    assert np.array_equal(read, measurement)


def test_a_suffix_is_neither_needed_nor_added(tmp_path: Path) -> None:
    write_npy(tmp_path / "array", noise(2, 2))
    write_png(tmp_path / "picture.jpg", noise(2, 2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["array", "picture.jpg"]
    assert (tmp_path / "picture.jpg").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("write", [write_png, write_npy])
def test_a_missing_folder_is_a_sentence(tmp_path: Path, write: object) -> None:
    with pytest.raises(NotWrittenError):
        write(tmp_path / "missing" / "map", noise(2, 2))  # type: ignore[operator]
