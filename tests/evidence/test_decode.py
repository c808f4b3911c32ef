import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from app.errors import BrokenImageError, ElascopeError, TooLargeError, UnsupportedFormatError
from app.evidence.decode import DecodedImage, decode, decode_thumbnail
from app.evidence.file import open_evidence
from tests.pictures import encoded, hand_made_png, in_memory, noise, png_chunk, scene

SMALL = scene(13, 21)


def _decoded(data: bytes) -> DecodedImage:
    return decode(in_memory(data))


@pytest.mark.parametrize(
    ("container", "options", "name"),
    [
        ("PNG", {}, "PNG"),
        ("TIFF", {}, "TIFF"),
        ("TIFF", {"compression": "tiff_lzw"}, "TIFF"),
        ("TIFF", {"compression": "tiff_deflate"}, "TIFF"),
        ("WEBP", {"lossless": True}, "WebP"),
        ("BMP", {}, "BMP"),
    ],
)
def test_lossless_files_give_back_every_pixel(
    container: str, options: dict[str, object], name: str
) -> None:
    image = _decoded(encoded(SMALL, container, **options))
    assert np.array_equal(image.pixels, SMALL)
    assert (image.pixels.dtype, image.pixels.flags.c_contiguous) == (np.uint8, True)
    record = image.record
    assert (record.format, record.width, record.height, record.mode) == (name, 21, 13, "RGB")
    assert (record.bit_depth, record.frames, record.alpha) == (8, 1, "none")
    assert (record.exif_orientation, record.icc_profile, record.conversions) == (None, False, ())
    assert record.decoder.startswith("Pillow ")


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_pixels_are_those_of_opencv(subsampling: int, progressive: bool) -> None:
    data = encoded(
        scene(37, 53), "JPEG", quality=83, subsampling=subsampling, progressive=progressive
    )
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    image = _decoded(data)
    assert np.array_equal(image.pixels, expected)
    assert image.record.format == "JPEG"
    assert "libjpeg" in image.record.decoder


@pytest.mark.parametrize("container", ["WEBP", "AVIF"])
def test_lossy_pixels_are_those_of_a_plain_load(container: str) -> None:
    data = encoded(scene(37, 53), container, quality=70)
    with Image.open(io.BytesIO(data)) as plain:
        expected = np.array(plain.convert("RGB"))
    image = _decoded(data)
    assert np.array_equal(image.pixels, expected)
    assert np.abs(image.pixels.astype(int) - scene(37, 53)).mean() < 12
    assert (image.record.bit_depth, image.record.conversions) == (8, ())


def test_grey_jpeg_has_three_equal_channels() -> None:
    data = encoded(SMALL[:, :, 1], "JPEG", quality=95)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    image = _decoded(data)
    assert all(np.array_equal(image.pixels[:, :, channel], expected) for channel in range(3))
    assert (image.record.mode, image.record.conversions) == ("L", ("grey to RGB",))


@pytest.mark.parametrize("container", ["GIF", "PNG", "TIFF", "WEBP"])
def test_the_first_of_several_frames_is_analysed_and_all_are_counted(container: str) -> None:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if container == "WEBP" else {}
    data = encoded(frames[0], container, save_all=True, append_images=frames[1:], **options)
    image = _decoded(data)
    assert image.record.frames == 3
    assert np.array_equal(image.pixels, np.full((10, 20, 3), (255, 0, 0), np.uint8))


def test_gif_colours_come_from_its_palette() -> None:
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    palette = np.random.default_rng(3).integers(0, 256, (12, 3), dtype=np.uint8)
    source = Image.fromarray(indices, "L").convert("P")
    source.putpalette(palette.tobytes())
    source.putdata(list(indices.ravel()))
    image = _decoded(encoded(source, "GIF", optimize=False))
    assert np.array_equal(image.pixels, palette[indices])
    assert (image.record.mode, image.record.conversions) == ("P", ("palette to RGB",))


def test_mpo_is_named_and_its_first_picture_is_analysed() -> None:
    first, second = Image.fromarray(scene(32, 48, 1)), Image.fromarray(scene(32, 48, 2))
    data = encoded(first, "MPO", save_all=True, append_images=[second], quality=90)
    image = _decoded(data)
    assert (image.record.format, image.record.frames) == ("MPO", 2)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(image.pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_orientation_is_recorded_and_never_applied(container: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = _decoded(encoded(SMALL, container))
    turned = _decoded(encoded(SMALL, container, exif=exif))
    assert np.array_equal(turned.pixels, plain.pixels)
    assert plain.record.exif_orientation is None
    # AVIF states its rotation outside of EXIF, where 1 means the same as nothing.
    expected = None if (container, orientation) == ("AVIF", 1) else orientation
    assert turned.record.exif_orientation == expected


@pytest.mark.parametrize(
    ("container", "options", "lossy"),
    [
        ("JPEG", {}, "JPEG"),
        ("PNG", {}, ""),
        ("GIF", {}, ""),
        ("BMP", {}, ""),
        ("AVIF", {}, "AV1"),
        ("TIFF", {}, ""),
        ("TIFF", {"compression": "tiff_lzw"}, ""),
        ("TIFF", {"compression": "jpeg"}, "JPEG"),
        ("WEBP", {}, "VP8"),
        ("WEBP", {"lossless": True}, ""),
        ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}, "VP8"),
        ("WEBP", {"save_all": True, "append_images": [Image.new("RGB", (21, 13))]}, "VP8"),
        (
            "WEBP",
            {"lossless": True, "save_all": True, "append_images": [Image.new("RGB", (21, 13))]},
            "",
        ),
    ],
)
def test_compression_that_loses_detail_is_recorded(
    container: str, options: dict[str, Any], lossy: str
) -> None:
    assert _decoded(encoded(SMALL, container, **options)).record.lossy == lossy


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_exif_orientation_of_a_tiff_is_not_applied_either(
    compression: str | None, orientation: int
) -> None:
    """Pillow turns the pixels of a TIFF while it loads them and then drops the tag."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    evidence = in_memory(encoded(SMALL, "TIFF", exif=exif, compression=compression))
    image = decode(evidence)
    assert np.array_equal(image.pixels, SMALL)
    assert (image.record.width, image.record.height) == (21, 13)
    assert image.record.exif_orientation == orientation
    assert np.array_equal(decode_thumbnail(evidence, 21), SMALL)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_a_senseless_orientation_is_none(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert _decoded(encoded(SMALL, "JPEG", exif=exif)).record.exif_orientation is None


def test_an_icc_profile_is_noted_and_not_applied() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = _decoded(encoded(SMALL, "PNG", icc_profile=profile))
    assert image.record.icc_profile is True
    assert np.array_equal(image.pixels, SMALL)


@pytest.mark.parametrize(
    ("container", "options"),
    [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})],
)
def test_alpha_is_dropped_and_the_colour_under_it_kept(
    container: str, options: dict[str, object]
) -> None:
    rgba = np.dstack([SMALL, np.zeros(SMALL.shape[:2], np.uint8)])
    image = _decoded(encoded(rgba, container, **options))
    assert np.array_equal(image.pixels, SMALL)
    assert (image.record.mode, image.record.alpha) == ("RGBA", "dropped")


def test_grey_with_alpha_keeps_the_grey() -> None:
    grey = SMALL[:, :, 0]
    image = _decoded(encoded(np.dstack([grey, 255 - grey]), "PNG"))
    assert np.array_equal(image.pixels, np.dstack([grey] * 3))
    assert (image.record.mode, image.record.alpha) == ("LA", "dropped")


def test_a_transparent_colour_of_an_rgb_png_is_noted() -> None:
    data = hand_made_png(
        2, 1, 8, 2, [bytes((1, 2, 3, 9, 8, 7))], [(b"tRNS", bytes((0, 1, 0, 2, 0, 3)))]
    )
    image = _decoded(data)
    assert image.pixels.tolist() == [[[1, 2, 3], [9, 8, 7]]]
    assert image.record.alpha == "dropped"


def test_a_transparent_palette_entry_keeps_its_stored_colour() -> None:
    palette = bytes((10, 20, 30, 200, 100, 50, 0, 255, 0, 7, 7, 7))
    chunks = [(b"PLTE", palette), (b"tRNS", bytes((0, 128)))]
    image = _decoded(hand_made_png(4, 1, 2, 3, [bytes((0b00_01_10_11,))], chunks))
    assert image.pixels.tolist() == [[[10, 20, 30], [200, 100, 50], [0, 255, 0], [7, 7, 7]]]
    assert (image.record.alpha, image.record.bit_depth) == ("dropped", 2)
    assert image.record.conversions == ("palette to RGB",)


@pytest.mark.parametrize(
    ("bits", "line", "values"),
    [(1, 0b0101_0011, [0, 255, 0, 255]), (2, 0b00_01_10_11, [0, 85, 170, 255])],
)
def test_grey_of_few_bits_fills_the_whole_range(bits: int, line: int, values: list[int]) -> None:
    image = _decoded(hand_made_png(4, 1, bits, 0, [bytes((line,))]))
    assert image.pixels[0, :, 0].tolist() == values
    assert image.record.bit_depth == bits


@pytest.mark.parametrize(
    ("colour_type", "channels", "mode"),
    [(0, 1, "I;16"), (2, 3, "RGB"), (4, 2, "RGBA"), (6, 4, "RGBA")],
)
def test_16_bit_png_gives_the_high_byte(colour_type: int, channels: int, mode: str) -> None:
    samples = np.random.default_rng(5).integers(0, 65536, (6, 5, channels), dtype=np.uint16)
    samples[0, 0] = 0x00FF  # rounding would make this 1
    lines = [row.astype(">u2").tobytes() for row in samples]
    image = _decoded(hand_made_png(5, 6, 16, colour_type, lines))
    high = (samples[:, :, : 3 if channels > 2 else 1] >> 8).astype(np.uint8)
    assert np.array_equal(image.pixels, np.broadcast_to(high, (6, 5, 3)))
    assert (image.record.bit_depth, image.record.mode) == (16, mode)
    assert image.record.conversions[0] == "16 to 8 bits per sample"


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3)], ids=["grey", "colour"])
def test_16_bit_tiff_gives_the_high_byte(shape: tuple[int, ...]) -> None:
    samples = np.random.default_rng(6).integers(0, 65536, shape, dtype=np.uint16)
    data = cv2.imencode(".tiff", samples[..., ::-1] if len(shape) == 3 else samples)[1].tobytes()
    image = _decoded(data)
    high = (samples >> 8).astype(np.uint8)
    expected = high if len(shape) == 3 else np.dstack([high] * 3)
    assert np.array_equal(image.pixels, expected)
    assert image.record.bit_depth == 16
    assert "16 to 8 bits per sample" in image.record.conversions


def test_big_endian_16_bit_tiff_gives_the_high_byte() -> None:
    strip = 8 + 2 + 9 * 12 + 4  # header, directory of nine entries, end of the chain
    tags = {256: 3, 257: 1, 258: 16, 259: 1, 262: 1, 273: strip, 277: 1, 278: 1, 279: 6}
    entries = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in tags.items())
    data = b"MM\0*" + struct.pack(">IH", 8, len(tags)) + entries + bytes(4)
    data += struct.pack(">3H", 0x12FF, 0xFF00, 0x0001)
    image = _decoded(data)
    assert image.pixels[0, :, 0].tolist() == [0x12, 0xFF, 0x00]
    assert image.record.bit_depth == 16


def test_cmyk_primaries_become_their_rgb_colours() -> None:
    inks = [
        (0, 0, 0, 0),
        (0, 0, 0, 255),
        (255, 0, 0, 0),
        (0, 255, 0, 0),
        (0, 0, 255, 0),
        (0, 0, 0, 55),
    ]
    image = _decoded(encoded(Image.fromarray(np.array([inks], np.uint8), "CMYK"), "TIFF"))
    white, black, cyan, magenta, yellow, grey = image.pixels[0].tolist()
    assert (white, black) == ([255, 255, 255], [0, 0, 0])
    assert (cyan, magenta, yellow) == ([0, 255, 255], [255, 0, 255], [255, 255, 0])
    assert grey == [200, 200, 200]
    assert image.record.mode == "CMYK"
    assert image.record.conversions == ("CMYK to RGB without its ICC profile",)


def test_cmyk_jpeg_has_the_colours_of_its_inks() -> None:
    image = _decoded(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.abs(image.pixels.astype(int) - (255, 0, 0)).max() <= 3
    assert (image.record.mode, image.record.format) == ("CMYK", "JPEG")


def test_luma_and_chroma_of_a_tiff_become_rgb() -> None:
    """The full-range matrix of JFIF, section 7, for one strong colour."""
    image = _decoded(encoded(Image.new("YCbCr", (4, 4), (76, 85, 255)), "TIFF"))
    assert np.abs(image.pixels.astype(int) - (254, 0, 0)).max() <= 1
    assert (image.record.mode, image.record.conversions) == ("YCbCr", ("YCbCr to RGB",))


def test_float_and_32_bit_pictures_are_not_squeezed_into_8_bits() -> None:
    for samples in (np.zeros((4, 4), np.float32), np.zeros((4, 4), np.int32)):
        with pytest.raises(UnsupportedFormatError, match=r"the colour mode [FI] has no exact"):
            _decoded(encoded(Image.fromarray(samples), "TIFF"))


@pytest.mark.timeout(20)
def test_a_header_claiming_ten_gigapixels_is_refused_before_decoding() -> None:
    data = hand_made_png(100_000, 100_000, 8, 2, [b""])
    with pytest.raises(TooLargeError, match="100000 x 100000 pixels; the limit is 250 megapixels"):
        _decoded(data)


def test_the_pixel_limit_is_inclusive() -> None:
    evidence = in_memory(encoded(SMALL, "PNG"))
    assert decode(evidence, pixel_limit=13 * 21).record.width == 21
    with pytest.raises(TooLargeError):
        decode(evidence, pixel_limit=13 * 21 - 1)


def test_no_memory_for_the_pixels_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    evidence = in_memory(encoded(SMALL, "PNG"))
    monkeypatch.setattr(Image, "open", full)
    with pytest.raises(TooLargeError, match="does not fit into memory"):
        decode(evidence)


@pytest.mark.parametrize("container", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF"])
def test_a_truncated_file_is_broken_and_not_half_a_picture(container: str) -> None:
    data = encoded(noise(64, 64), container)
    with pytest.raises(BrokenImageError) as caught:
        _decoded(data[: len(data) // 2])
    assert caught.value.status == "broken"
    name = {"WEBP": "WebP"}.get(container, container)
    assert f" {name} " in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_only_the_decoder_of_the_content_is_tried() -> None:
    """The same bytes begin like an AVIF and are a whole TGA picture, which has no magic number."""
    size_and_depth = struct.pack("<HHBB", 4, 4, 24, 0)
    data = (0x220).to_bytes(4, "big") + b"ftypavif" + size_and_depth + bytes(2000)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("TGA", (4, 4))
    with pytest.raises(BrokenImageError) as caught:
        _decoded(data)
    assert caught.value.sentence == "The file begins as AVIF does, but its header is damaged."


@pytest.mark.parametrize("tail", [b"", bytes(30), b"\xfe\x00"], ids=["cut", "zeros", "comment"])
def test_a_damaged_jpeg_header_is_not_taken_for_that_of_another_format(tail: bytes) -> None:
    with pytest.raises(BrokenImageError) as caught:
        _decoded(b"\xff\xd8\xff" + tail)
    assert caught.value.sentence == "The file begins as JPEG does, but its header is damaged."


@pytest.mark.parametrize("tail", [b"", bytes(30), b"\xfe\x00"], ids=["cut", "zeros", "comment"])
def test_the_detail_of_an_unidentified_image_is_the_name_of_its_error(tail: bytes) -> None:
    details = []
    for _ in range(2):
        with pytest.raises(BrokenImageError) as caught:
            _decoded(b"\xff\xd8\xff" + tail)
        details.append(caught.value.detail)
    assert details == ["UnidentifiedImageError"] * 2


@pytest.mark.parametrize("length", [20, 45, 150, 700])
@pytest.mark.parametrize("container", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF"])
def test_equal_broken_bytes_give_equal_errors(container: str, length: int) -> None:
    """An address of an object in memory would differ between two runs."""
    data = encoded(noise(64, 64), container)[:length]
    errors, kept = [], []
    for _ in range(2):
        with pytest.raises(ElascopeError) as caught:
            _decoded(data)
        kept.append(caught.value)  # so that the second's objects have other addresses
        errors.append((caught.value.status, caught.value.sentence, caught.value.detail))
    assert errors[0] == errors[1]
    assert " at 0x" not in str(errors)


def test_a_limit_of_pillow_left_by_others_is_not_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert np.array_equal(_decoded(encoded(SMALL, "PNG")).pixels, SMALL)


@pytest.mark.parametrize("container", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF"])
def test_a_thumbnail_keeps_the_aspect_and_the_colour(container: str) -> None:
    picture = np.full((120, 200, 3), (200, 60, 20), np.uint8)
    small = decode_thumbnail(in_memory(encoded(picture, container)), 50)
    assert small.shape == (30, 50, 3)
    assert np.abs(small.astype(int) - (200, 60, 20)).max() <= 6


def test_a_thumbnail_of_16_bit_grey_is_not_saturated() -> None:
    data = hand_made_png(4, 1, 16, 0, [struct.pack(">4H", 0, 0x4000, 0x8000, 0xFFFF)])
    assert decode_thumbnail(in_memory(data), 8)[0, :, 0].tolist() == [0, 0x40, 0x80, 0xFF]


def test_a_thumbnail_obeys_the_limits_and_names_what_is_broken() -> None:
    with pytest.raises(TooLargeError):
        decode_thumbnail(in_memory(encoded(SMALL, "PNG")), 8, pixel_limit=100)
    with pytest.raises(BrokenImageError):
        decode_thumbnail(in_memory(encoded(noise(64, 64), "JPEG")[:900]), 8)


_VALID = {
    "JPEG": encoded(scene(20, 24), "JPEG"),
    "progressive JPEG": encoded(scene(20, 24), "JPEG", progressive=True),
    "PNG": encoded(scene(20, 24), "PNG"),
    "GIF": encoded(
        Image.fromarray(scene(20, 24)),
        "GIF",
        save_all=True,
        append_images=[Image.fromarray(noise(20, 24))],
    ),
    "BMP": encoded(scene(20, 24), "BMP"),
    "WebP": encoded(scene(20, 24), "WEBP"),
    "lossless WebP": encoded(scene(20, 24), "WEBP", lossless=True),
    "TIFF": encoded(scene(20, 24), "TIFF", compression="tiff_lzw"),
}
_CHANGES = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 255), st.booleans()), min_size=1, max_size=8
)


def _changed(data: bytes, changes: list[tuple[int, int, bool]]) -> bytes:
    """Overwrite bytes behind the magic, half of them among the first 64."""
    content = bytearray(data)
    for at, value, in_header in changes:
        span = min(64, len(content)) - 12 if in_header else len(content) - 12
        content[12 + at % span] = value
    return bytes(content)


def _assert_decodes_or_says_why(data: bytes) -> None:
    try:
        image = decode(in_memory(data), pixel_limit=1_000_000)
    except ElascopeError as error:
        assert error.sentence
    else:
        record = image.record
        assert image.pixels.shape == (record.height, record.width, 3)
        assert image.pixels.dtype == np.uint8


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", _VALID)
@settings(max_examples=60)
@given(changes=_CHANGES)
def test_changed_bytes_decode_or_give_an_error_of_ours(
    kind: str, changes: list[tuple[int, int, bool]]
) -> None:
    _assert_decodes_or_says_why(_changed(_VALID[kind], changes))


@pytest.mark.filterwarnings("ignore")
@given(
    header=st.binary(min_size=13, max_size=13),
    stream=st.binary(max_size=60),
    extra=st.lists(
        st.tuples(
            st.sampled_from([b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"gAMA", b"acTL", b"fcTL"]),
            st.binary(max_size=30),
        ),
        max_size=3,
    ),
)
def test_png_chunks_with_valid_checksums_and_any_content(
    header: bytes, stream: bytes, extra: list[tuple[bytes, bytes]]
) -> None:
    """A checksum would hide most of the decoder from bytes changed at random."""
    size = struct.pack(">II", header[0] % 32 + 1, header[1] % 32 + 1)
    chunks = [
        (b"IHDR", size + header[8:]),
        *extra,
        (b"IDAT", zlib.compress(stream)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, payload) for kind, payload in chunks)
    _assert_decodes_or_says_why(data)


@pytest.mark.filterwarnings("ignore")
@given(st.sampled_from([b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\x00"]), st.binary(max_size=300))
def test_a_magic_number_before_any_bytes(magic: bytes, tail: bytes) -> None:
    _assert_decodes_or_says_why(magic + tail)


@settings(max_examples=40)
@given(
    st.integers(1, 24),
    st.integers(1, 24),
    st.integers(0, 99),
    st.sampled_from(["PNG", "BMP", "TIFF"]),
)
def test_every_small_size_comes_back_unchanged(
    height: int, width: int, seed: int, container: str
) -> None:
    picture = noise(height, width, seed)
    assert np.array_equal(_decoded(encoded(picture, container)).pixels, picture)


@pytest.mark.data
@pytest.mark.filterwarnings("ignore")
def test_every_odd_file_decodes_or_gives_an_error_of_ours(
    shared_data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [path for path in sorted((shared_data / "odd").rglob("*")) if path.is_file()]
    decoded = 0
    for path in files:
        try:
            image = decode(open_evidence(path))
        except ElascopeError as error:
            assert error.sentence, path
            assert "\n" not in error.sentence, path
        else:
            decoded += 1
            assert image.pixels.shape == (image.record.height, image.record.width, 3), path
    capfd.readouterr()  # libtiff talks on standard error; the scan command silences it
    assert len(files) > 600
    assert decoded > len(files) * 0.7
