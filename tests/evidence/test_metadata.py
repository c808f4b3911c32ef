"""Metadata of files that Pillow or the test wrote, and of files made to break a reader."""

import io
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ExifTags, Image, IptcImagePlugin
from PIL.PngImagePlugin import PngInfo

from app.evidence.blocks import TEXT_BUDGET
from app.evidence.exif import ENTRY_LIMIT, read_exif
from app.evidence.file import open_evidence
from app.evidence.iptc import read_iptc
from app.evidence.metadata import Metadata, read_metadata
from app.evidence.plaintext import TEXT_LIMIT
from app.evidence.xmp import PACKET_LIMIT, read_xmp
from tests.exif_files import (
    ASCII,
    BYTE,
    EXIF_MARK,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    XMP_MARK,
    directory,
    exif_stream,
    gps,
    jpeg_with_thumbnail,
    long,
    rationals,
    reduced,
    segment,
    text,
    texture,
    with_segments,
)
from tests.pictures import encoded, hand_made_png, in_memory, png_chunk, scene

FLOAT, SLONG = 11, 9
NOT_A_NUMBER = struct.pack("<f", float("nan"))

PICTURE = scene(24, 32)
JPEG = encoded(PICTURE, "JPEG")

PACKET = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:h="http://ns.adobe.com/xap/1.0/sType/Event#"
 xmp:CreatorTool="Darkroom 7">
 <xmp:Rating>4</xmp:Rating>
 <dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>
 <dc:title><rdf:Alt><rdf:li xml:lang="x-default">A &lt;b&gt; title</rdf:li></rdf:Alt></dc:title>
 <dc:source rdf:resource="urn:x"/>
 <xmpMM:History><rdf:Seq>
  <rdf:li h:action="created" h:when="2020"/>
  <rdf:li rdf:parseType="Resource"><h:action>saved</h:action></rdf:li>
 </rdf:Seq></xmpMM:History>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""

PROPERTIES = (
    ("xmp:CreatorTool", "Darkroom 7"),
    ("xmp:Rating", "4"),
    ("dc:creator[1]", "Ann"),
    ("dc:creator[2]", "Bob"),
    ("dc:title[1](x-default)", "A <b> title"),
    ("dc:source", "urn:x"),
    ("xmpMM:History[1]/h:action", "created"),
    ("xmpMM:History[1]/h:when", "2020"),
    ("xmpMM:History[2]/h:action", "saved"),
)


def of(data: bytes) -> Metadata:
    return read_metadata(in_memory(data))


def with_exif(stream: bytes) -> Metadata:
    return of(with_segments(JPEG, segment(0xE1, EXIF_MARK + stream)))


def slong(tag: int, value: int) -> tuple[int, int, int, bytes]:
    return tag, SLONG, 1, struct.pack("<i", value)


def entries(metadata: Metadata) -> list[tuple[str, str, str]]:
    return [(entry.group, entry.name, entry.value) for entry in metadata.exif]


def packet(body: str) -> bytes:
    return (
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="urn:e">'
        f"<r:Description>{body}</r:Description></r:RDF>"
    ).encode()


def data_set(record: int, number: int, value: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def photoshop(block: bytes, identifier: int = 0x0404) -> bytes:
    padding = b"\0" * (len(block) % 2)
    return struct.pack(">4sH2xI", b"8BIM", identifier, len(block)) + block + padding


# EXIF -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WebP", "TIFF", "AVIF"])
def test_exif_and_xmp_that_pillow_wrote_are_read(container: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Software] = "Editor 5"
    for directory_tag, tag, value in (
        (ExifTags.IFD.Exif, ExifTags.Base.DateTimeOriginal, "2024:05:06 07:08:09"),
        (ExifTags.IFD.GPSInfo, ExifTags.GPS.GPSDateStamp, "2024:05:06"),
    ):
        exif.get_ifd(directory_tag)[tag] = value
        exif[directory_tag] = exif.get_ifd(directory_tag)
    options: dict[str, Any] = {"exif": exif, "xmp": PACKET}
    if container == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", PACKET.decode())
        options = {"exif": exif, "pnginfo": info}
    if container == "TIFF":
        exif[700] = PACKET
        options = {"exif": exif}
    metadata = of(encoded(PICTURE, container, **options))
    assert {
        ("IFD0", "Make", "Maker"),
        ("IFD0", "Software", "Editor 5"),
        ("Exif", "DateTimeOriginal", "2024:05:06 07:08:09"),
        ("GPS", "GPSDateStamp", "2024:05:06"),
    } <= set(entries(metadata))
    assert metadata.software == (("EXIF", "Editor 5"), ("XMP", "Darkroom 7"))
    assert metadata.xmp == PROPERTIES
    assert metadata.faults == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_values_of_every_kind_in_the_order_of_the_file(order: str) -> None:
    stream = exif_stream(
        [
            text(0x131, "Editor"),
            text(0x10F, "Maker"),
            (0x9C9B, BYTE, 6, "Tö\0".encode("utf-16-le")),
            (0xFEDC, SHORT, 2, struct.pack(f"{order}HH", 7, 65535)),
        ],
        [
            rationals(0x829A, (1, 125), order=order),
            (0x9204, SRATIONAL, 1, struct.pack(f"{order}ii", -1, 3)),
            rationals(0xA404, (0, 0), order=order),
            (0x9000, UNDEFINED, 4, b"0230"),
            (0x927C, UNDEFINED, 3000, bytes(range(250)) * 12),
            (0x9286, UNDEFINED, 12, b"UNICODE\0" + "ja".encode(f"utf-16-{'lb'[order == '>']}e")),
            (0x1234, SHORT, 40, bytes(80)),
        ],
        order=order,
    )
    assert entries(with_exif(stream)) == [
        ("IFD0", "Software", "Editor"),
        ("IFD0", "Make", "Maker"),
        ("IFD0", "XPTitle", "Tö"),
        ("IFD0", "0xFEDC", "7, 65535"),
        ("IFD0", "ExifOffset", "94"),
        ("Exif", "ExposureTime", "1/125 (0.008)"),
        ("Exif", "ExposureBiasValue", "-1/3 (-0.333333)"),
        ("Exif", "DigitalZoomRatio", "0/0 (no number)"),
        ("Exif", "ExifVersion", "0230"),
        ("Exif", "MakerNote", f"{bytes(range(24)).hex(' ')}… (3,000 bytes)"),
        ("Exif", "UserComment", "ja"),
        ("Exif", "0x1234", ", ".join("0" * 16) + " … (40 values)"),
    ]


def test_hand_made_streams_are_what_pillow_reads_too() -> None:
    stream = exif_stream(
        [text(0x10F, "Maker")],
        [rationals(0x829A, (1, 125))],
        gps("N", [(1, 1)] * 3, "E", [(2, 1)] * 3),
    )
    with Image.open(io.BytesIO(with_segments(JPEG, segment(0xE1, EXIF_MARK + stream)))) as image:
        exif = image.getexif()
        assert exif[0x10F] == "Maker"
        assert exif.get_ifd(0x8769)[0x829A] == 1 / 125
        assert exif.get_ifd(0x8825)[2] == (1.0, 1.0, 1.0)


def test_big_tiff_is_read() -> None:
    entry = struct.pack("<HHQ8s", 0x131, ASCII, 7, b"Editor\0\0")
    stream = b"II" + struct.pack("<HHHQQ", 43, 8, 0, 16, 1) + entry + bytes(8)
    assert [e.value for e in read_exif(stream).entries] == ["Editor"]


def test_text_cannot_move_the_cursor_and_is_bounded() -> None:
    metadata = with_exif(exif_stream([text(0x10E, "a\n\u202eb" + "x" * 5000)]))
    value = metadata.exif[0].value
    assert value.startswith("a\\n\\u202ebxxx")
    assert value.endswith("… (5,004 characters)")


def test_text_longer_than_what_is_read_tells_its_length_in_bytes() -> None:
    value = with_exif(exif_stream([text(0x10E, "ü" * 20_000)])).exif[0].value
    assert value == "ü" * TEXT_LIMIT + "… (40,001 bytes)"


# Position ---------------------------------------------------------------------------------------

NORTH, EAST = [(47, 1), (30, 1), (36, 1)], [(8, 1), (1530, 100), (0, 1)]


@pytest.mark.parametrize(
    ("letters", "position"),
    [("NE", (47.51, 8.255)), ("SW", (-47.51, -8.255)), ("NW", (47.51, -8.255))],
)
def test_position_honours_its_letters(letters: str, position: tuple[float, float]) -> None:
    metadata = with_exif(exif_stream(position=gps(letters[0], NORTH, letters[1], EAST)))
    found = metadata.position
    assert found is not None
    assert (found.latitude, found.longitude) == pytest.approx(position)
    assert found.source == "EXIF GPS"
    shown = f"{position[0]:.6f}, {position[1]:.6f} (from EXIF GPS)"
    assert dict(metadata.states)["GPS position"] == shown


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (gps("N", [(0, 0)] * 3, "E", EAST), "the latitude has a zero denominator and no value"),
        (gps("X", NORTH, "E", EAST), "no valid reference letter (N or S)"),
        (gps("N", NORTH, "E", [(181, 1), (0, 1), (0, 1)]), "the longitude is beyond 180 degrees"),
        (gps("N", NORTH, "E", EAST)[:2], "the longitude is not there"),
        (
            [text(1, "N"), text(2, "47"), *gps("N", NORTH, "E", EAST)[2:]],
            "the latitude is not in degrees, minutes and seconds",
        ),
    ],
    ids=["zero", "letter", "range", "half", "type"],
)
def test_position_that_is_not_valid_is_a_sentence(tags: Any, sentence: str) -> None:
    metadata = with_exif(exif_stream(position=tags))
    assert metadata.position is None
    assert sentence in " ".join(metadata.faults)
    assert dict(metadata.states)["GPS position"] == "there, but not valid"


@pytest.mark.parametrize(
    ("latitude", "longitude", "position"),
    [
        ("47,30.6N", "8,15.3W", (47.51, -8.255)),
        ("47,30,36S", "8,15,18E", (-47.51, 8.255)),
        ("47.5", "8,15,18E", None),
    ],
)
def test_position_of_xmp(
    latitude: str, longitude: str, position: tuple[float, float] | None
) -> None:
    properties = (("exif:GPSLatitude", latitude), ("exif:GPSLongitude", longitude))
    body = "".join(f"<{name}>{value}</{name}>" for name, value in properties)
    block = packet(body).replace(b"urn:e", b"urn:e' xmlns:exif='urn:exif").replace(b'"', b"'")
    metadata = of(with_segments(JPEG, segment(0xE1, XMP_MARK + block)))
    if position is None:
        assert metadata.position is None
        assert any("not written as degrees" in fault for fault in metadata.faults)
    else:
        assert metadata.position is not None
        found = (metadata.position.latitude, metadata.position.longitude)
        assert found == pytest.approx(position)
        assert metadata.position.source == "XMP"


# XMP --------------------------------------------------------------------------------------------


def test_packet_in_utf16_is_read() -> None:
    assert read_xmp(PACKET.decode().encode("utf-16")) == (PROPERTIES, ())


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
    ids=["bomb", "file", "network"],
)
def test_document_type_is_refused(declaration: str) -> None:
    block = declaration.encode() + packet("<e:a>&a;</e:a>")
    assert read_xmp(block) == (
        (),
        ("The XMP packet declares a document type; the rest is not read.",),
    )


def test_properties_before_the_damage_are_kept() -> None:
    whole = packet("<e:a>1</e:a><e:b>2</e:b><e:c>3</e:c>")
    found, faults = read_xmp(whole[: whole.index(b"<e:c>") + 3])
    assert found == (("e:a", "1"), ("e:b", "2"))
    assert "damaged" in faults[0]


@pytest.mark.parametrize(
    ("block", "word"),
    [
        (packet("<e:a>" + "x" * 10_000_000 + "</e:a>"), "bytes"),
        (packet("<e:a>" * 100_000), "deeply"),
        (packet("<e:a>1</e:a>" * 5000), "more than"),
        (packet('<e:a r:resource="' + "y" * (PACKET_LIMIT - 1000)), "damaged"),
        (b"<?xml version='1.0' encoding='no-such'?><a/>", "damaged"),
        (b"<a>&undefined;</a>", "damaged"),
        (b"", "damaged"),
    ],
    ids=["large", "deep", "many", "attribute", "encoding", "entity", "empty"],
)
def test_hostile_packet_is_one_sentence_and_quick(block: bytes, word: str) -> None:
    started = time.perf_counter()
    found, faults = read_xmp(block)
    assert time.perf_counter() - started < 5
    assert len(faults) == 1
    assert word in faults[0]
    assert all(len(path) < 3000 and len(value) < 3000 for path, value in found)


# IPTC, comments and texts -------------------------------------------------------------------------


def test_iptc_is_what_pillow_reads() -> None:
    block = b"".join(
        [
            data_set(1, 90, b"\x1b%G"),
            data_set(2, 105, "Zürich".encode()),
            data_set(2, 25, b"lake"),
            data_set(2, 25, b"boat"),
            data_set(2, 65, b"Editor"),
            data_set(2, 199, b"x"),
        ]
    )
    resources = photoshop(b"odd", 0x03F3) + photoshop(block)
    data = with_segments(JPEG, segment(0xED, b"Photoshop 3.0\0" + resources))
    with Image.open(io.BytesIO(data)) as image:
        theirs = IptcImagePlugin.getiptcinfo(image)
    assert theirs is not None
    assert theirs[2, 25] == [b"lake", b"boat"]
    assert theirs[2, 105] == "Zürich".encode()
    metadata = of(data)
    assert metadata.iptc == (
        ("1:090 CodedCharacterSet", "1b 25 47 (3 bytes)"),
        ("2:105 Headline", "Zürich"),
        ("2:025 Keywords", "lake"),
        ("2:025 Keywords", "boat"),
        ("2:065 OriginatingProgram", "Editor"),
        ("2:199", "x"),
    )
    assert metadata.software == (("IPTC", "Editor"),)


def test_iptc_that_is_cut_off_keeps_what_was_there() -> None:
    block = data_set(2, 105, b"Title") + data_set(2, 25, b"keyword")[:-3]
    found, faults = read_iptc(block)
    assert found == (("2:105 Headline", "Title"),)
    assert "cut off in data set 2:025: 4 of 7 bytes" in faults[0]


def test_iptc_with_an_extended_length() -> None:
    block = struct.pack(">BBBHI", 0x1C, 2, 120, 0x8004, 5) + b"hello"
    assert read_iptc(block) == ((("2:120 Caption-Abstract", "hello"),), ())


def test_iptc_of_a_tiff_file() -> None:
    block = data_set(2, 105, b"Title")
    stream = exif_stream([(33723, UNDEFINED, len(block), block)])
    assert of(stream).iptc == (("2:105 Headline", "Title"),)


@pytest.mark.parametrize("container", ["JPEG", "GIF"])
def test_comment(container: str) -> None:
    assert of(encoded(PICTURE, container, comment=b"h\xe9llo")).comments == ("héllo",)


def test_texts_of_png_before_and_behind_the_picture() -> None:
    info = PngInfo()
    info.add_text("Software", "Painter 3")
    info.add_text("Description", "long " * 100, zip=True)
    info.add_itxt("Title", "Grüße", zip=True)
    data = encoded(PICTURE, "PNG", pnginfo=info)
    late = png_chunk(b"tEXt", b"Comment\0behind")
    metadata = of(data[:-12] + late + data[-12:])
    assert metadata.texts == (
        ("Software", "Painter 3"),
        ("Description", "long " * 100),
        ("Title", "Grüße"),
        ("Comment", "behind"),
    )
    assert metadata.software == (("Text", "Painter 3"),)


@pytest.mark.parametrize("kind", ["exif", "iptc", "xmp", "APP1"])
def test_raw_profiles_of_png(kind: str) -> None:
    stream = EXIF_MARK + exif_stream([text(0x10F, "Maker")])
    raw = {
        "exif": stream,
        "iptc": photoshop(data_set(2, 105, b"Title")),
        "xmp": PACKET,
        "APP1": XMP_MARK + PACKET,
    }[kind]
    profile = f"\n{kind}\n{len(raw):8d}\n{raw.hex()}\n".encode()
    chunk = b"Raw profile type " + kind.encode() + b"\0\0" + zlib.compress(profile)
    metadata = of(hand_made_png(1, 1, 8, 0, [b"\0"], [(b"zTXt", chunk)]))
    assert (len(metadata.exif), len(metadata.iptc), len(metadata.xmp)) == {
        "exif": (1, 0, 0),
        "iptc": (0, 1, 0),
    }.get(kind, (0, 0, len(PROPERTIES)))
    assert metadata.texts == ()


def test_packed_texts_are_unpacked_within_a_budget() -> None:
    bomb = b"k\0\0" + zlib.compress(bytes(200_000_000), 9)
    started = time.perf_counter()
    metadata = of(hand_made_png(1, 1, 8, 0, [b"\0"], [(b"zTXt", bomb)] * 4))
    assert time.perf_counter() - started < 5
    assert sum(len(value) for _, value in metadata.texts) < 4 * 10 * TEXT_LIMIT
    assert "The texts are larger than what is read; some are cut or left out." in metadata.faults
    assert TEXT_BUDGET < 100_000_000


def test_text_that_is_damaged_or_breaks_off_is_a_sentence() -> None:
    packed = zlib.compress(bytes(range(256)) * 8)
    chunks = [(b"zTXt", b"a\0\0no zlib"), (b"zTXt", b"b\0\0" + packed[:-20])]
    metadata = of(hand_made_png(1, 1, 8, 0, [b"\0"], chunks))
    assert [name for name, _ in metadata.texts] == ["b"]
    assert metadata.faults == (
        "The text a is damaged and was not read.",
        "The text b breaks off.",
    )


def test_many_blocks_and_comments_are_read_in_good_time() -> None:
    continued = segment(0xE1, EXIF_MARK + b"x") * 100_000
    first = segment(0xE1, EXIF_MARK + exif_stream([text(0x10F, "Maker")]))
    comments = segment(0xFE, b"c") * 5000
    started = time.perf_counter()
    metadata = of(with_segments(JPEG, first, continued, first * 5000, comments))
    assert time.perf_counter() - started < 5
    assert [entry.value for entry in metadata.exif] == ["Maker"]
    assert len(metadata.comments) == 1000
    assert metadata.faults == (
        "A further EXIF block is in the file and was not read.",
        "The file has more than 1,000 texts; the rest is not listed.",
    )


# What is not there --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "absent", "not_looked_for"),
    [
        ("JPEG", {"EXIF", "GPS position", "XMP", "IPTC", "Comment", "Thumbnail"}, {"Text"}),
        ("PNG", {"EXIF", "GPS position", "XMP", "IPTC", "Text", "Thumbnail"}, {"Comment"}),
        ("WebP", {"EXIF", "GPS position", "XMP", "Thumbnail"}, {"IPTC", "Comment", "Text"}),
        ("AVIF", {"EXIF", "GPS position", "XMP", "Thumbnail"}, {"IPTC", "Comment", "Text"}),
        ("TIFF", {"GPS position", "XMP", "IPTC"}, {"Comment", "Text", "Thumbnail"}),
        ("GIF", {"XMP", "GPS position", "Comment"}, {"EXIF", "IPTC", "Text", "Thumbnail"}),
        ("BMP", set(), {"EXIF", "GPS position", "XMP", "IPTC", "Comment", "Text", "Thumbnail"}),
    ],
)
def test_not_in_the_file_and_not_looked_for_are_different_words(
    container: str, absent: set[str], not_looked_for: set[str]
) -> None:
    metadata = of(encoded(PICTURE, container))
    states = dict(metadata.states)
    nothing = {
        "GIF": "none before the first picture",
        "JPEG": "none before the picture's data",
    }.get(container, "none in the file")
    thumbnail = {"JPEG": "none in EXIF or Photoshop resource 1036"}.get(container, "none in EXIF")
    found = {part for part, state in states.items() if state in (nothing, thumbnail)}
    assert found == absent
    assert "Thumbnail" not in absent or states["Thumbnail"] == thumbnail
    assert {part for part, state in states.items() if "not looked for" in state} == not_looked_for
    assert metadata.faults == ()


def test_file_that_breaks_off_is_not_said_to_have_nothing() -> None:
    metadata = of(JPEG[:30])
    assert "could not be followed" in dict(metadata.states)["EXIF"]
    assert metadata.faults == ("The JPEG header breaks off before the picture's data.",)


def test_content_that_was_not_kept_is_not_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    metadata = read_metadata(open_evidence(path, byte_limit=10))
    assert {state for _, state in metadata.states} == {"not looked for: the content was not read"}


def test_bytes_of_no_segment_are_counted_and_passed_over() -> None:
    first, second = segment(0xFE, b"first"), segment(0xFE, b"second")
    metadata = of(with_segments(JPEG, first, b"stray\xff\0", b"\xff\xff" + second))
    assert metadata.comments == ("first", "second")
    assert metadata.faults == ("9 bytes of the JPEG header belong to no segment.",)
    assert of(with_segments(JPEG, first, b"\xff\xff" + second)).faults == ()


def test_second_block_is_told() -> None:
    stream = EXIF_MARK + exif_stream([text(0x10F, "First")])
    second = EXIF_MARK + exif_stream([text(0x10F, "Second")])
    metadata = of(with_segments(JPEG, segment(0xE1, stream), segment(0xE1, second)))
    assert [entry.value for entry in metadata.exif] == ["First"]
    assert metadata.faults == ("A further EXIF block is in the file and was not read.",)


@pytest.mark.parametrize("place", ["between the scans", "before the end"])
def test_a_comment_behind_the_header_is_not_said_to_be_absent(place: str) -> None:
    data = encoded(PICTURE, "JPEG", progressive=True)
    at = len(data) - 2 if place == "before the end" else data.rindex(b"\xff\xda")
    changed = data[:at] + segment(0xFE, b"behind") + data[at:]
    with Image.open(io.BytesIO(changed)) as image:
        image.load()
    metadata = of(changed)
    assert metadata.comments == ()
    assert dict(metadata.states)["Comment"] == "none before the picture's data"


def test_avif_is_named_without_an_article() -> None:
    assert dict(of(encoded(PICTURE, "AVIF")).states)["IPTC"] == "not looked for in AVIF files"


# Thumbnails of Photoshop --------------------------------------------------------------------------


def photoshop_thumbnail(small: NDArray[np.uint8], jpeg: bytes = b"") -> bytes:
    """Resource 1036 behind one of IPTC, as Adobe's specification has it."""
    jpeg = jpeg or encoded(small, "JPEG")
    height, width = small.shape[:2]
    row = (width * 24 + 31) // 32 * 4
    head = struct.pack(">IIIIIIHH", 1, width, height, row, row * height, len(jpeg), 24, 1)
    resources = photoshop(data_set(2, 105, b"Title")) + photoshop(head + jpeg, 0x040C)
    return segment(0xED, b"Photoshop 3.0\0" + resources)


def test_a_thumbnail_of_photoshop_is_what_pillow_decodes() -> None:
    small = reduced(texture(90, 120, 1), 40, 30)
    metadata = of(with_segments(JPEG, photoshop_thumbnail(small)))
    assert metadata.thumbnail is not None
    with Image.open(io.BytesIO(encoded(small, "JPEG"))) as image:
        np.testing.assert_array_equal(metadata.thumbnail.pixels, np.array(image))
    assert metadata.thumbnail.source == "Photoshop resource 1036"
    assert metadata.iptc == (("2:105 Headline", "Title"),)
    assert dict(metadata.states)["Thumbnail"] == "40 x 30 pixels, in Photoshop resource 1036"
    assert metadata.faults == ()


def test_the_thumbnail_of_exif_comes_before_that_of_photoshop() -> None:
    picture = texture(90, 120, 1)
    data = jpeg_with_thumbnail(picture, reduced(picture, 40, 30))
    metadata = of(with_segments(data, photoshop_thumbnail(reduced(picture, 20, 15))))
    assert metadata.thumbnail is not None
    assert (metadata.thumbnail.source, metadata.thumbnail.pixels.shape[1]) == ("EXIF IFD1", 40)
    assert dict(metadata.states)["Thumbnail"] == (
        "40 x 30 pixels; the one in Photoshop resource 1036 is not read"
    )


def test_a_damaged_thumbnail_of_photoshop_says_so() -> None:
    data = with_segments(JPEG, photoshop_thumbnail(reduced(PICTURE, 20, 15), b"no picture"))
    metadata = of(data)
    assert metadata.thumbnail is None
    assert dict(metadata.states)["Thumbnail"] == (
        "damaged, cannot be decoded, in Photoshop resource 1036"
    )
    assert metadata.faults == ("An embedded thumbnail is damaged and was not read.",)


# Hostile EXIF -------------------------------------------------------------------------------------


def full_stream() -> bytes:
    return exif_stream(
        [text(0x10F, "Maker"), text(0x131, "Editor 12345")],
        [rationals(0x829A, (1, 125))],
        gps("N", NORTH, "E", EAST),
        thumbnail=encoded(PICTURE, "JPEG"),
    )


def test_stream_cut_anywhere_is_read_as_far_as_it_goes() -> None:
    stream = full_stream()
    for length in range(len(stream)):
        metadata = with_exif(stream[:length])
        assert metadata.faults or metadata.thumbnail is not None, length


POINTERS = [
    pytest.param(kind, count, raw, id=name)
    for name, kind, count, raw in (
        ("nan", FLOAT, 1, NOT_A_NUMBER),
        ("infinity", FLOAT, 1, struct.pack("<f", float("inf"))),
        ("double", 12, 1, struct.pack("<d", 1e300)),
        ("minus 1", SLONG, 1, struct.pack("<i", -1)),
        ("minus 100,000", SLONG, 1, struct.pack("<i", -100_000)),
        ("short", 8, 1, struct.pack("<h", -3)),
        ("byte", 6, 1, b"\xff"),
        ("text", ASCII, 4, b"abc\0"),
        ("none", 4, 0, b""),
        ("outside", 4, 1, struct.pack("<I", 99_999)),
    )
]


@pytest.mark.parametrize(("kind", "count", "raw"), POINTERS)
@pytest.mark.parametrize(("pointer", "group"), [(0x8769, "Exif"), (0x8825, "GPS")])
def test_pointer_that_leads_nowhere_is_a_fault(
    pointer: int, group: str, kind: int, count: int, raw: bytes
) -> None:
    metadata = with_exif(exif_stream([text(0x10F, "Maker"), (pointer, kind, count, raw)]))
    assert metadata.exif[0].value == "Maker"
    (fault,) = metadata.faults
    assert fault.startswith(f"EXIF {group}")
    assert "was not read" in fault
    if group == "GPS":
        assert dict(metadata.states)["GPS position"] == "there, but damaged"


def test_further_directory_outside_the_block_is_no_missing_thumbnail() -> None:
    metadata = with_exif(b"II*\0\x08\0\0\0" + directory([text(0x10F, "abc")], 8, 99_999))
    assert dict(metadata.states)["Thumbnail"] == "damaged, cannot be read"
    assert "EXIF IFD1 lies outside the block and was not read." in metadata.faults


@pytest.mark.parametrize("length", [4, 8 + 2 + 12 + 3])
def test_block_that_breaks_off_is_not_said_to_have_no_position_or_thumbnail(length: int) -> None:
    stream = exif_stream([long(0x100, 5), long(0x101, 6)])
    states = dict(with_exif(stream[:length]).states)
    assert states["GPS position"] == "none found, but not all metadata could be read"
    assert states["Thumbnail"] == "none found, but the EXIF block is damaged"


def test_damaged_xmp_is_not_said_to_have_no_position() -> None:
    metadata = of(with_segments(JPEG, segment(0xE1, XMP_MARK + PACKET[:400])))
    states = dict(metadata.states)
    assert states["GPS position"] == "none found, but not all metadata could be read"


def test_tiff_whose_directory_is_damaged_is_not_said_to_have_no_xmp() -> None:
    stream = b"II*\0\x08\0\0\0" + directory([(700, BYTE, 500, b"\xff\xff\0\0")], 8)
    states = dict(of(stream).states)
    assert states["XMP"] == "none found, but the file could not be followed to its end"


def test_directory_that_is_cut_off_says_so() -> None:
    stream = exif_stream([long(0x100, 5), long(0x101, 6), long(0x102, 7)])
    exif = read_exif(stream[: 8 + 2 + 12 + 3])
    assert [entry.value for entry in exif.entries] == ["5"]
    assert exif.faults == ("EXIF IFD0 is cut off: 1 of 3 entries are there.",)


@pytest.mark.parametrize("pointer", [0x8769, 0x8825])
def test_loop_of_directories_ends(pointer: int) -> None:
    body = directory([long(0x100, 5), long(pointer, 8)], 8, following=8)
    metadata = with_exif(b"II*\0\x08\0\0\0" + body)
    assert len(metadata.exif) == 2
    assert len([fault for fault in metadata.faults if "points back" in fault]) == 2


def test_values_outside_the_block_unknown_types_and_doubles_are_counted() -> None:
    tags = [
        (0x10F, ASCII, 0xFFFFFFFF, b"\xff\xff\xff\x7f"),
        (0x110, 99, 1, b"abcd"),
        long(0x100, 1),
        long(0x100, 2),
    ]
    exif = read_exif(b"II*\0\x08\0\0\0" + directory(tags, 8))
    assert [entry.value for entry in exif.entries] == ["1"]
    assert exif.faults == (
        "EXIF IFD0: 1 entry left out, outside the block.",
        "EXIF IFD0: 1 entry left out, of an unknown type.",
        "EXIF IFD0: 1 entry left out, with a tag that stood before.",
    )


def test_many_entries_on_one_large_value_stay_small() -> None:
    raw = b"".join(struct.pack("<HHII", tag, ASCII, 500_000, 8) for tag in range(60_000))
    stream = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 60_000) + raw + bytes(4)
    started = time.perf_counter()
    metadata = of(stream)
    assert time.perf_counter() - started < 5
    assert len(metadata.exif) == ENTRY_LIMIT
    assert f"the first {ENTRY_LIMIT:,} are read" in metadata.faults[0]
    assert all(len(entry.value) < 10 * TEXT_LIMIT for entry in metadata.exif)


@pytest.mark.parametrize(
    ("ifd1", "state"),
    [
        ([long(0x201, 8), long(0x202, 100)], "damaged, cannot be decoded"),
        ([long(0x201, 0xFFFFFFF0), long(0x202, 0xFFFFFFFF)], "damaged, cannot be decoded"),
        ([(0x103, SHORT, 1, b"\1\0")], "stored uncompressed, which is not read"),
        ([long(0x100, 1)], "none in EXIF or Photoshop resource 1036"),
        ([long(0x201, 8), slong(0x202, -5)], "damaged, cannot be read"),
        ([slong(0x201, -5), long(0x202, 4)], "damaged, cannot be read"),
        ([(0x201, FLOAT, 1, NOT_A_NUMBER), long(0x202, 4)], "damaged, cannot be read"),
    ],
    ids=["no-jpeg", "outside", "uncompressed", "none", "length", "offset", "float"],
)
def test_thumbnail_that_cannot_be_shown(ifd1: Any, state: str) -> None:
    head = directory([long(0x100, 5)], 8)
    stream = b"II*\0\x08\0\0\0" + directory([long(0x100, 5)], 8, 8 + len(head))
    metadata = with_exif(stream + directory(ifd1, len(stream)))
    assert metadata.thumbnail is None
    assert dict(metadata.states)["Thumbnail"] == state
    assert bool(metadata.faults) == state.startswith("damaged")


def test_thumbnail_is_what_pillow_decodes() -> None:
    small = encoded(reduced(texture(90, 120, 1), 40, 30), "JPEG", quality=85)
    data = jpeg_with_thumbnail(texture(90, 120, 1), reduced(texture(90, 120, 1), 40, 30))
    metadata = of(data)
    assert metadata.thumbnail is not None
    with Image.open(io.BytesIO(small)) as image:
        np.testing.assert_array_equal(metadata.thumbnail.pixels, np.array(image))
    assert metadata.thumbnail.size == len(small)
    assert dict(metadata.states)["Thumbnail"] == "40 x 30 pixels"


@given(
    st.sampled_from([0x8769, 0x8825, 0xA005, 0x0201, 0x0202]),
    st.integers(0, 20),
    st.integers(0, 3),
    st.binary(min_size=4, max_size=4),
    st.sampled_from("<>"),
)
def test_pointers_of_any_type_and_value_never_raise(
    tag: int, kind: int, count: int, value: bytes, order: str
) -> None:
    """Random bytes hardly ever reach the pointers: a whole block is changed at one of them."""
    stream = exif_stream(
        [text(0x10F, "Maker")],
        [long(0xA005, 8, order)],
        [rationals(2, (1, 1), order=order)],
        thumbnail=encoded(PICTURE, "JPEG"),
        order=order,
    )
    at = stream.index(struct.pack(f"{order}HH", tag, 4))
    entry = struct.pack(f"{order}HHI", tag, kind, count) + value
    metadata = with_exif(stream[:at] + entry + stream[at + 12 :])
    assert any(found.value == "Maker" for found in metadata.exif)


@given(st.binary(max_size=400))
def test_random_bytes_never_raise(data: bytes) -> None:
    read_exif(b"II*\0" + data)
    read_exif(b"MM\0+\0\x08\0\0" + data)
    read_xmp(data)
    read_iptc(b"\x1c" + data)
    for head in (
        b"\xff\xd8\xff\xe1",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\xff\0\0\0WEBP",
        b"GIF89a",
        b"BM",
    ):
        of(head + data)


@given(st.data())
def test_changed_bytes_never_raise(data: st.DataObject) -> None:
    resources = photoshop(data_set(2, 105, b"Title"))
    whole = bytearray(
        with_segments(
            JPEG,
            segment(0xE1, EXIF_MARK + full_stream()),
            segment(0xE1, XMP_MARK + PACKET),
            segment(0xED, b"Photoshop 3.0\0" + resources),
        )
    )
    for _ in range(8):
        whole[data.draw(st.integers(3, len(whole) - 1))] = data.draw(st.integers(0, 255))
    of(bytes(whole))


@pytest.mark.data
def test_odd_files_are_read_without_an_exception(shared_data: Path) -> None:
    files = [path for path in sorted((shared_data / "odd").rglob("*")) if path.is_file()]
    assert len(files) > 600
    for path in files:
        metadata = read_metadata(open_evidence(path))
        assert len(metadata.states) == 7, path
