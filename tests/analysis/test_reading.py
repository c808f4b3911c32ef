import dataclasses

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.analysis.ela import AS_IN_FILE, ELA, ElaParams
from app.analysis.reading import last_save, read_ela
from app.evidence.decode import DecodeRecord, decode
from app.evidence.jpeg import read_jpeg, standard_tables
from tests.pictures import (
    PILLOW_SUBSAMPLING,
    encoded,
    hand_made_png,
    in_memory,
    noise,
    pillow_residual,
    pillow_round_trip,
)


def _record(data: bytes) -> DecodeRecord:
    return decode(in_memory(data)).record


def _jpeg(quality: int, size: int = 80, subsampling: int = 2) -> bytes:
    return encoded(noise(size, size), "JPEG", quality=quality, subsampling=subsampling)


def _sentences(data: bytes, **params: object) -> tuple[str, ...]:
    jpeg = read_jpeg(data) if data.startswith(b"\xff\xd8") else None
    return read_ela(_record(data), jpeg, ElaParams(**params))  # type: ignore[arg-type]


@pytest.mark.parametrize("container", ["PNG", "TIFF", "BMP", "WebP"])
def test_a_file_that_is_no_jpeg_is_said_to_show_edges_only(container: str) -> None:
    options = {"lossless": True} if container == "WebP" else {}
    first, *rest = _sentences(encoded(noise(80, 80), container, **options))
    assert first.startswith(f"This {container} file says nothing of an earlier JPEG save.")
    assert "edge strength only" in first
    assert rest == []


OWN = (
    "The map's settings are those of the file's last save (quality 90): the whole map is much "
    "darker than at lower qualities and allows no conclusion. Try another quality."
)


def _near(quality: int, last: str = "quality 90") -> str:
    return (
        f"The map's quality {quality} is near that of the file's last save ({last}): the whole "
        "map is darker than at clearly lower qualities. Compare parts of the same kind, and try "
        "other qualities too."
    )


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_the_files_own_settings_are_said_to_give_an_empty_map(subsampling: str) -> None:
    data = _jpeg(90, subsampling=PILLOW_SUBSAMPLING[subsampling])
    assert _sentences(data, quality=90, subsampling=subsampling)[0] == OWN


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_grey_file_has_no_chroma_that_could_differ(subsampling: str) -> None:
    data = encoded(noise(80, 80)[:, :, 0], "JPEG", quality=90)
    assert _sentences(data, quality=90, subsampling=subsampling) == (OWN,)


@pytest.mark.parametrize("quality", [88, 89, 91, 92])
def test_a_quality_near_the_files_own_is_said_to_give_a_darker_map(quality: int) -> None:
    assert _sentences(_jpeg(90), quality=quality)[0] == _near(quality)


@pytest.mark.parametrize(("saved", "asked"), [(0, "4:2:0"), (1, "4:2:0"), (2, "4:4:4")])
def test_the_files_own_quality_with_other_chroma_is_near_only(saved: int, asked: str) -> None:
    sentences = _sentences(_jpeg(90, subsampling=saved), quality=90, subsampling=asked)
    assert sentences[0] == _near(90)


def test_own_tables_are_near_a_quality_only() -> None:
    tables = [list(table) for table in standard_tables(90)]
    tables[0][40] += 1
    data = encoded(noise(80, 80), "JPEG", qtables=tables, subsampling=2)
    assert _sentences(data, quality=90)[0] == _near(90, "near quality 90")
    coarse = [[min(v * 2, 255) for v in table] for table in standard_tables(40)]
    coarse[0][40] += 1
    data = encoded(noise(80, 80), "JPEG", qtables=coarse, subsampling=2)
    assert _sentences(data, quality=90)[0].startswith("The last save (near quality 20) was coarse")


def _rgb_jpeg(picture: NDArray[np.uint8], quality: int) -> bytes:
    return encoded(picture, "JPEG", quality=quality, subsampling=0, keep_rgb=True)


def test_an_rgb_jpeg_is_not_said_to_have_the_settings_of_the_map() -> None:
    """Pillow's save in RGB and one with luma and chroma: even the same tables leave a residual."""
    data, picture = _rgb_jpeg(_muted(80, 80), 90), _muted(80, 80)
    saved = decode(in_memory(data)).pixels
    own = pillow_round_trip(picture, 90, "4:4:4")
    of_rgb, of_own = (pillow_residual(p, 90, "4:4:4").mean() for p in (saved, own))
    assert of_rgb > 10 * of_own
    first, *rest = _sentences(data, quality=90, subsampling="4:4:4")
    assert first == _near(90)
    assert rest == [
        "The file is saved as RGB, the map as luma and chroma: no setting is that of the last save."
    ]


def _muted(height: int, width: int) -> NDArray[np.uint8]:
    """Grain on soft colours far from black and white, where no rounding is cut off."""
    rows, columns = np.mgrid[0:height, 0:width]
    random = np.random.default_rng(5)
    picture = np.stack(
        [90 + 60 * rows / height, 150 - 50 * columns / width, 100 + 40 * np.sin(columns / 40)], 2
    )
    picture += random.normal(0, 8, (height, width, 1)) + random.normal(0, 6, (height, width, 3))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("quality", "subsampling"), [(92, "4:2:0"), (88, "4:2:0"), (90, "4:4:4"), (90, "4:2:2")]
)
def test_measured_residuals_bear_out_which_settings_give_an_empty_map(
    quality: int, subsampling: str
) -> None:
    """Pillow saves twice and subtracts; the sentences come from the first save's file."""
    picture = _muted(160, 240)

    def mean_and_sentence(last: int, chroma: str) -> tuple[float, str]:
        data = encoded(picture, "JPEG", quality=last, subsampling=PILLOW_SUBSAMPLING[chroma])
        residual = pillow_residual(pillow_round_trip(picture, last, chroma), 90, "4:2:0")
        sentence = _sentences(data, quality=90, subsampling="4:2:0")[0]
        return float(residual.mean()), sentence

    own, own_sentence = mean_and_sentence(90, "4:2:0")
    other, other_sentence = mean_and_sentence(quality, subsampling)
    lower = pillow_residual(pillow_round_trip(picture, 90, "4:2:0"), 85, "4:2:0")
    assert own < lower.mean() / 20
    assert own < 0.05
    assert other > 0.5
    assert own < other / 20
    assert (own_sentence, other_sentence) == (OWN, _near(90, f"quality {quality}"))


@pytest.mark.parametrize("quality", [87, 93, 60])
def test_another_quality_is_read_by_comparing_like_with_like(quality: int) -> None:
    assert _sentences(_jpeg(90), quality=quality)[0].startswith("Compare edges with edges")


def test_a_coarse_last_save_allows_no_conclusion_from_an_even_map() -> None:
    first = _sentences(_jpeg(40), quality=90)[0]
    assert first.startswith("The last save (quality 40) was coarse")


def test_a_jpeg_without_tables_has_an_unknown_last_save() -> None:
    facts = dataclasses.replace(read_jpeg(_jpeg(90)), quality=None)
    assert "last save is unknown" in read_ela(_record(_jpeg(90)), facts, ElaParams())[0]
    assert last_save(facts) == "last save: no luma quantisation table"


def test_smallness_palette_and_auto_gain_each_add_a_sentence() -> None:
    assert not any("Too small" in text for text in _sentences(_jpeg(75, size=64)))
    assert any("Too small" in text for text in _sentences(_jpeg(75, size=63)))
    assert any("Palette" in text for text in _sentences(encoded(noise(80, 80), "GIF")))
    assert any("Auto gain is on" in text for text in _sentences(_jpeg(75), auto_gain=True))


def test_a_reduction_from_16_bits_adds_a_sentence() -> None:
    deep = hand_made_png(80, 80, 16, 0, [bytes(160)] * 80)
    assert _sentences(deep)[1:] == ("Reduced from 16 to 8 bits before the analysis.",)


def test_another_chroma_subsampling_than_the_files_adds_a_sentence() -> None:
    data = _jpeg(75, subsampling=0)
    assert any("4:4:4 chroma" in text for text in _sentences(data, subsampling="4:2:0"))
    assert not any("chroma" in text for text in _sentences(data, subsampling="4:4:4"))


def _opencv_jpeg(factor: int) -> bytes:
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor, cv2.IMWRITE_JPEG_QUALITY, 75]
    return cv2.imencode(".jpg", noise(80, 80), options)[1].tobytes()


@pytest.mark.parametrize(
    ("factor", "name"),
    [
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440, "4:4:0"),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, "4:1:1"),
    ],
)
def test_a_subsampling_that_no_save_can_have_is_told_with_that_used(factor: int, name: str) -> None:
    data = _opencv_jpeg(factor)
    resolved = ELA.resolve(ElaParams(subsampling=AS_IN_FILE), read_jpeg(data))
    assert _sentences(data, subsampling=resolved.subsampling)[1:] == (
        f"The file is saved with {name} chroma, which cannot be used here, the map with 4:2:0: "
        "coloured edges look brighter than they are.",
    )
    assert _sentences(data, subsampling="4:4:4")[1:] == (
        f"The file's chroma subsampling ({name}) cannot be used for a save; 4:4:4 is.",
    )


def test_a_cmyk_jpeg_has_no_subsampling_that_a_save_could_have() -> None:
    data = encoded(Image.fromarray(noise(80, 80)).convert("CMYK"), "JPEG", quality=75)
    assert "The file's chroma subsampling cannot be used for a save; 4:2:0 is." in _sentences(data)


@pytest.mark.parametrize(
    ("saved", "asked", "coarser"),
    [(1, "4:4:4", False), (1, "4:2:0", True), (0, "4:2:2", True), (2, "4:2:2", False)],
)
def test_only_coarser_chroma_of_the_map_brightens_edges(
    saved: int, asked: str, coarser: bool
) -> None:
    """A coloured edge at places that no halving of chroma keeps, measured with Pillow."""
    picture = np.full((80, 80, 3), (60, 120, 160), np.uint8)
    picture[17:40, 17:60] = (180, 90, 100)
    data = encoded(picture, "JPEG", quality=75, subsampling=saved)
    pixels = decode(in_memory(data)).pixels
    own = {number: name for name, number in PILLOW_SUBSAMPLING.items()}[saved]
    means = [pillow_residual(pixels, 75, chroma).mean() for chroma in (asked, own)]
    assert (means[0] > 2 * means[1]) == coarser
    assert any("look brighter" in text for text in _sentences(data, subsampling=asked)) == coarser


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            encoded(noise(80, 80), "TIFF", compression="jpeg"),
            "This TIFF file is compressed as JPEG inside; its quality is not read. "
            "Read the map with care.",
        ),
        (
            encoded(noise(80, 80), "WEBP"),
            "This WebP file is compressed with VP8, which can leave traces of its own, and says "
            "nothing of an earlier JPEG save. Read the map with care.",
        ),
        (
            encoded(noise(80, 80), "AVIF"),
            "This AVIF file is compressed with AV1, which can leave traces of its own, and says "
            "nothing of an earlier JPEG save. Read the map with care.",
        ),
    ],
    ids=["TIFF", "WebP", "AVIF"],
)
def test_compression_with_loss_is_not_said_to_leave_edges_only(data: bytes, words: str) -> None:
    assert _sentences(data) == (words,)


def test_the_last_save_in_a_few_words() -> None:
    assert last_save(None) == "no JPEG save of its own is read"
    assert last_save(read_jpeg(_jpeg(77))) == "last save: quality 77, 4:2:0"
    tables = [list(table) for table in standard_tables(80)]
    tables[0][40] += 1
    own = encoded(noise(16, 16), "JPEG", qtables=tables, subsampling=0)
    assert last_save(read_jpeg(own)) == "last save: own tables, near quality 80, 4:4:4"
