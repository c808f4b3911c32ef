import io
import struct
from typing import Any

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.evidence.jpeg import QualityEstimate, Segment, estimate_quality, read_jpeg, standard_tables
from tests.pictures import encoded, noise, scene

COLOUR = encoded(scene(24, 40), "JPEG", quality=85, comment="a comment")

# ITU-T T.81, tables K.1 and K.2, first and last rows.
K1_FIRST, K1_LAST = (16, 11, 10, 16, 24, 40, 51, 61), (72, 92, 95, 98, 112, 100, 103, 99)
K2_FIRST, K2_THIRD = (17, 18, 24, 47, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99)


def test_quality_50_gives_the_tables_of_annex_k() -> None:
    luma, chroma = standard_tables(50)
    assert (luma[:8], luma[-8:], luma[38]) == (K1_FIRST, K1_LAST, 103)
    assert (chroma[:8], chroma[16:24], chroma[-8:]) == (K2_FIRST, K2_THIRD, (99,) * 8)
    assert (sum(luma), sum(chroma)) == (3688, 5505)


def test_quality_of_every_pillow_save_is_estimated_exactly() -> None:
    picture = noise(8, 8)
    found = {
        quality: read_jpeg(encoded(picture, "JPEG", quality=quality)).quality
        for quality in range(1, 101)
    }
    assert found == {quality: QualityEstimate(quality, exact=True) for quality in range(1, 101)}


@pytest.mark.parametrize("quality", [1, 10, 33, 50, 75, 92, 100])
def test_tables_are_those_that_pillow_reports(quality: int) -> None:
    data = encoded(noise(16, 16), "JPEG", quality=quality)
    with Image.open(io.BytesIO(data)) as image:
        reported = {number: tuple(table) for number, table in image.quantization.items()}
    assert read_jpeg(data).tables == reported


@pytest.mark.parametrize(("number", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_subsampling_of_pillow_saves_is_read(number: int, name: str) -> None:
    assert read_jpeg(encoded(scene(24, 40), "JPEG", subsampling=number)).subsampling == name


@pytest.mark.parametrize(
    ("factor", "name"),
    [
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, "4:1:1"),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440, "4:4:0"),
    ],
)
def test_subsampling_of_rarer_opencv_saves_is_read(factor: int, name: str) -> None:
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    data = cv2.imencode(".jpg", scene(24, 40), options)[1].tobytes()
    assert read_jpeg(data).subsampling == name


def test_a_grey_save_is_grey_with_one_table_and_its_quality() -> None:
    facts = read_jpeg(encoded(noise(16, 16)[:, :, 0], "JPEG", quality=61))
    assert facts.subsampling == "grey"
    assert set(facts.tables) == {0}
    assert facts.quality == QualityEstimate(61, exact=True)


def test_a_four_channel_save_has_no_named_subsampling() -> None:
    image = Image.new("CMYK", (16, 16))
    assert read_jpeg(encoded(image, "JPEG")).subsampling == "other"


@pytest.mark.parametrize("progressive", [True, False])
def test_progressive_saves_are_told_from_baseline(progressive: bool) -> None:
    data = encoded(scene(24, 40), "JPEG", progressive=progressive, quality=70)
    facts = read_jpeg(data)
    assert facts.progressive is progressive
    assert facts.quality == QualityEstimate(70, exact=True)


@pytest.mark.parametrize("changed", [0, 1])
def test_tables_of_another_encoder_are_reported_as_near_only(changed: int) -> None:
    tables = [list(table) for table in standard_tables(80)]
    tables[changed][40] += 1
    found = read_jpeg(encoded(noise(16, 16), "JPEG", qtables=tables)).quality
    assert found == QualityEstimate(80, exact=False)


def test_a_camera_like_table_is_near_its_scale_and_not_exact() -> None:
    """Every value of quality 75 times 0.9, which no quality gives."""
    tables = [[max(round(v * 0.9), 1) for v in table] for table in standard_tables(75)]
    found = read_jpeg(encoded(noise(16, 16), "JPEG", qtables=tables)).quality
    assert found is not None
    assert not found.exact
    assert 75 < found.quality < 80


def test_one_luma_table_for_all_channels_is_exact() -> None:
    """Some encoders use the luma table for chroma too; both are still of that quality."""
    luma = standard_tables(90)[0]
    assert estimate_quality({0: luma, 1: luma}) == QualityEstimate(90, exact=True)


def test_without_a_luma_table_there_is_no_estimate() -> None:
    assert estimate_quality({}) is None
    assert estimate_quality({1: standard_tables(90)[1]}) is None


def _with_table_identifiers(data: bytes, new: dict[int, int]) -> bytes:
    """The same picture whose tables have other identifiers, in DQT and in the frame header."""
    changed = bytearray(data)
    for part in read_jpeg(data).segments:
        at = part.offset + 4
        if part.name == "DQT":
            changed[at] = new[changed[at]]
        elif part.name == "SOF0":
            for component in range(changed[at + 5]):
                place = at + 8 + 3 * component
                changed[place] = new[changed[place]]
    return bytes(changed)


@pytest.mark.parametrize("new", [{0: 1, 1: 0}, {0: 2, 1: 3}], ids=["swapped", "2 and 3"])
def test_the_luma_table_is_the_one_that_the_frame_names(new: dict[int, int]) -> None:
    data = encoded(noise(32, 32), "JPEG", quality=90, subsampling=0)
    changed = _with_table_identifiers(data, new)
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(changed)) as after:
        assert before.tobytes() == after.tobytes()
    facts = read_jpeg(changed)
    assert facts.planes == (new[0], new[1], new[1])
    assert facts.quality == QualityEstimate(90, exact=True)


@pytest.mark.parametrize(
    ("picture", "options", "colours"),
    [
        (noise(16, 16), {}, "YCbCr"),
        (noise(16, 16), {"keep_rgb": True}, "RGB"),
        (noise(16, 16)[:, :, 0], {}, "grey"),
        (Image.new("CMYK", (16, 16)), {}, "other"),
    ],
    ids=["YCbCr", "RGB", "grey", "CMYK"],
)
def test_colours_of_pillow_saves_are_read(picture: Any, options: Any, colours: str) -> None:
    data = encoded(picture, "JPEG", **options)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == {"grey": "L", "other": "CMYK"}.get(colours, "RGB")
    assert read_jpeg(data).colours == colours


@pytest.mark.parametrize(
    ("names", "marks", "colours"),
    [
        (b"RGB", [], "RGB"),
        (b"RGB", [(0xE0, b"JFIF\0" + bytes(9))], "YCbCr"),
        (b"RGB", [(0xEE, b"Adobe" + bytes(6) + b"\1")], "YCbCr"),
        (b"\1\2\3", [(0xEE, b"Adobe" + bytes(6) + b"\0")], "RGB"),
        (b"\1\2\3", [(0xEE, b"Adobe")], "YCbCr"),
        (b"\5\6\7", [], "YCbCr"),
    ],
)
def test_colours_follow_the_rule_of_libjpeg(
    names: bytes, marks: list[tuple[int, bytes]], colours: str
) -> None:
    frame = bytes((8, 0, 16, 0, 16, 3)) + b"".join(bytes((name, 0x11, 0)) for name in names)
    data = b"\xff\xd8" + b"".join(_segment(*mark) for mark in marks) + _segment(0xC0, frame)
    assert read_jpeg(data).colours == colours


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def test_segments_tables_and_frame_of_a_hand_made_header() -> None:
    narrow, wide = bytes(range(1, 65)), struct.pack(">64H", *range(300, 364))
    frame = bytes((8, 0, 16, 0, 16, 3, 1, 0x21, 0, 2, 0x11, 1, 3, 0x11, 1))
    parts = [
        ("SOI", b"\xff\xd8"),
        ("APP0", _segment(0xE0, b"JFIF\0" + bytes(9))),
        ("APP13", _segment(0xED, b"Photoshop 3.0\0")),
        ("COM", _segment(0xFE, b"hello")),
        ("DQT", _segment(0xDB, b"\x00" + narrow + b"\x11" + wide)),
        ("SOF2", _segment(0xC2, frame)),
        ("DHT", _segment(0xC4, bytes(17))),
        ("DRI", _segment(0xDD, b"\0\4")),
        ("0xCC", _segment(0xCC, b"\0\0")),
        ("SOS", _segment(0xDA, bytes(10))),
    ]
    data = b"".join(part for _, part in parts) + b"scan data \xff\xfe\x00\x04xx\xff\xd9"
    offsets = [sum(len(part) for _, part in parts[:i]) for i in range(len(parts))]
    facts = read_jpeg(data)
    assert facts.segments == tuple(
        Segment(name, offset, max(len(part) - 4, 0))
        for (name, part), offset in zip(parts, offsets, strict=True)
    )
    # The first values of the zigzag order are (0,0), (0,1), (1,0), (2,0), (1,1), (0,2).
    at = {(0, 0): 1, (0, 1): 2, (1, 0): 3, (2, 0): 4, (1, 1): 5, (0, 2): 6, (7, 7): 64}
    assert {place: facts.tables[0][8 * place[0] + place[1]] for place in at} == at
    assert (facts.tables[1][0], facts.tables[1][63]) == (300, 363)
    assert (facts.subsampling, facts.progressive) == ("4:2:2", True)
    assert facts.quality is not None
    assert not facts.quality.exact


def test_fill_bytes_before_a_marker_are_skipped() -> None:
    data = b"\xff\xd8\xff\xff\xff" + _segment(0xFE, b"abc")
    assert read_jpeg(data).segments == (Segment("SOI", 0, 0), Segment("COM", 5, 3))


@pytest.mark.parametrize(
    "frame",
    [
        bytes((8, 0, 16, 0, 16, 3, 1, 0x11, 0, 2, 0x00, 1, 3, 0x00, 1)),
        bytes((8, 0, 16, 0, 16, 3, 1, 0x31, 0, 2, 0x21, 1, 3, 0x21, 1)),
        bytes((8, 0, 16, 0, 16, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x12, 1)),
        bytes((8, 0, 16, 0, 16, 3, 1, 0x22)),
        b"",
    ],
    ids=["zero factor", "no whole ratio", "chroma planes differ", "cut short", "empty"],
)
def test_a_senseless_frame_has_no_named_subsampling(frame: bytes) -> None:
    assert read_jpeg(b"\xff\xd8" + _segment(0xC0, frame)).subsampling == "other"


@given(st.integers(0, len(COLOUR)))
def test_a_cut_header_gives_what_was_there(length: int) -> None:
    whole, part = read_jpeg(COLOUR), read_jpeg(COLOUR[:length])
    assert part.segments == whole.segments[: len(part.segments)]
    assert part.tables.items() <= whole.tables.items()
    assert part.subsampling in (whole.subsampling, "other")


@given(
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=12),
    st.integers(1, len(COLOUR)),
)
def test_a_changed_header_never_raises(changes: list[tuple[int, int]], length: int) -> None:
    data = bytearray(COLOUR)
    for at, value in changes:
        data[at % len(data)] = value
    facts = read_jpeg(bytes(data[:length]))
    assert all(0 <= segment.offset < len(COLOUR) for segment in facts.segments)
    assert all(len(table) == 64 for table in facts.tables.values())


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_first_marker_never_raise(tail: bytes) -> None:
    assert read_jpeg(b"\xff\xd8" + tail).segments[0] == Segment("SOI", 0, 0)


def test_bytes_of_no_segment_are_passed_over_as_the_decoder_does() -> None:
    second = read_jpeg(COLOUR).segments[2].offset
    stray = COLOUR[:second] + b"stray\xff\x00" + COLOUR[second:]
    with Image.open(io.BytesIO(stray)) as image:
        image.load()
        reported = {number: tuple(table) for number, table in image.quantization.items()}
    facts, untouched = read_jpeg(stray), read_jpeg(COLOUR)
    assert facts.tables == reported == untouched.tables
    assert facts.segments[:2] == untouched.segments[:2]
    assert facts.segments[2:] == tuple(
        Segment(part.name, part.offset + 7, part.length) for part in untouched.segments[2:]
    )
