import dataclasses

import pytest

from app.analysis.ela import ElaParams
from app.analysis.reading import last_save, read_ela
from app.evidence.decode import DecodeRecord, decode
from app.evidence.jpeg import read_jpeg, standard_tables
from tests.pictures import encoded, hand_made_png, in_memory, noise


def _record(data: bytes) -> DecodeRecord:
    return decode(in_memory(data)).record


def _jpeg(quality: int, size: int = 80, subsampling: int = 2) -> bytes:
    return encoded(noise(size, size), "JPEG", quality=quality, subsampling=subsampling)


def _sentences(data: bytes, **params: object) -> tuple[str, ...]:
    jpeg = read_jpeg(data) if data.startswith(b"\xff\xd8") else None
    return read_ela(_record(data), jpeg, ElaParams(**params))  # type: ignore[arg-type]


@pytest.mark.parametrize("container", ["PNG", "TIFF", "BMP"])
def test_a_file_that_is_no_jpeg_is_said_to_show_edges_only(container: str) -> None:
    first, *rest = _sentences(encoded(noise(80, 80), container))
    assert first.startswith(f"A {container} file says nothing of an earlier JPEG save.")
    assert "edge strength only" in first
    assert rest == []


@pytest.mark.parametrize("quality", [90, 89, 91, 88, 92])
def test_the_files_own_quality_is_said_to_give_a_dark_map(quality: int) -> None:
    first = _sentences(_jpeg(90), quality=quality)[0]
    assert f"The map's quality {quality} is that of the file's last save (90)" in first


@pytest.mark.parametrize("quality", [87, 93, 60])
def test_another_quality_is_read_by_comparing_like_with_like(quality: int) -> None:
    assert _sentences(_jpeg(90), quality=quality)[0].startswith("Compare edges with edges")


def test_a_coarse_last_save_allows_no_conclusion_from_an_even_map() -> None:
    first = _sentences(_jpeg(40), quality=90)[0]
    assert first.startswith("The last save at quality 40 was coarse")


def test_a_jpeg_without_tables_has_an_unknown_last_save() -> None:
    facts = dataclasses.replace(read_jpeg(_jpeg(90)), quality=None)
    assert "last save is unknown" in read_ela(_record(_jpeg(90)), facts, ElaParams())[0]
    assert last_save(facts) == "last save: no quantisation tables"


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


def test_the_last_save_in_a_few_words() -> None:
    assert last_save(None) == "no JPEG save of its own"
    assert last_save(read_jpeg(_jpeg(77))) == "last save: quality 77, 4:2:0"
    tables = [list(table) for table in standard_tables(80)]
    tables[0][40] += 1
    own = encoded(noise(16, 16), "JPEG", qtables=tables, subsampling=0)
    assert last_save(read_jpeg(own)) == "last save: own tables, near quality 80, 4:4:4"
