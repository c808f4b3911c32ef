import json
import os
import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.analysis import ANALYSES
from app.analysis.base import Analysis
from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.cli import main
from app.errors import (
    CancelledError,
    ElascopeError,
    RecordRefusedError,
    UnreadableFileError,
    UnsupportedFormatError,
)
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.report.record import RECORD_KEY, RECORD_LIMIT
from app.report.replay import Outcome, replay_file
from app.report.view import Show, ViewSpec, export_view
from tests.pictures import encoded, hand_made_png, png_chunk, scene

SAME = "The recorded step was repeated with the same result, bit for bit."
VIEW = ViewSpec(Region(16, 24, 120, 101), 4, Reduction.MAXIMUM, Show.OVERLAY, 0.6)

Change = Callable[[dict[str, Any]], None]


def exported(
    folder: Path,
    analysis: Analysis = ELA,
    params: Any = None,
    view: ViewSpec = VIEW,
    name: str = "photo.jpg",
) -> Path:
    """An exported view of a new picture; returns the record."""
    photo = folder / name
    photo.write_bytes(encoded(scene(110, 130), "JPEG", quality=88))
    evidence = open_evidence(photo)
    chosen = analysis.resolve(params or analysis.params(), None)
    return export_view(folder / "view.png", evidence, decode(evidence), analysis, chosen, view)


def changed(record: Path, change: Change) -> Path:
    raw = json.loads(record.read_text("utf-8"))
    change(raw)
    record.write_text(json.dumps(raw))
    return record


def about(outcome: Outcome, subject: str) -> str:
    return " ".join(text for text in outcome.sentences if text.startswith(subject + ":"))


# True records ---------------------------------------------------------------------------------


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.id)
@pytest.mark.parametrize("show", Show)
@pytest.mark.parametrize("factor", [1, 4])
def test_a_true_record_is_repeated_bit_for_bit(
    tmp_path: Path, analysis: Analysis, show: Show, factor: int
) -> None:
    region = Region(16, 24, 121, 110)
    view = ViewSpec(region, factor, Reduction.MEAN, show, 0.35, Show.PICTURE, 0.25)
    record = exported(tmp_path, analysis, view=view)
    for source in (record, tmp_path / "view.png"):
        outcome = replay_file(source)
        assert outcome.same, outcome.sentences
        assert outcome.sentences[-1] == SAME
    assert "equal to those made again" in about(replay_file(record), "PNG")


def test_every_colour_map_and_channel_is_repeated(tmp_path: Path) -> None:
    for params in (
        ElaParams(channel="luma", colours="inferno"),
        ElaParams(channel="maximum", colours="viridis", auto_gain=True),
        ElaParams(quality=100, subsampling="4:2:2", scale=99.5, colours="cividis"),
    ):
        assert replay_file(exported(tmp_path, params=params)).same


def test_the_picture_of_the_command_line_is_repeated(tmp_path: Path) -> None:
    photo, map_ = tmp_path / "photo.png", tmp_path / "map.png"
    photo.write_bytes(encoded(scene(60, 90), "PNG"))
    settings = ["--quality", "70", "--subsampling", "as in file", "--scale", "8"]
    assert main(["ela", str(photo), "--output", str(map_), *settings]) == 0
    outcome = replay_file(map_)
    assert outcome.same, outcome.sentences
    assert about(outcome, "View") == "View: the map of the whole picture at full resolution."
    assert about(outcome, "PNG").startswith("PNG: all 5,400 pixels of map.png are equal")


def test_a_subsampling_as_in_the_file_is_looked_up_in_it(tmp_path: Path) -> None:
    """Written by hand: the program itself writes what the choice came to."""
    record = exported(tmp_path, params=ElaParams(subsampling="4:2:0"))
    changed(record, lambda raw: raw["parameters"].update(subsampling="as in file"))
    assert "SHA-256" in about(replay_file(record), "Picture")
    assert about(replay_file(record), "Picture").endswith("as recorded.")


def test_what_was_compared_is_said(tmp_path: Path) -> None:
    record = exported(tmp_path)
    raw = json.loads(record.read_text("utf-8"))
    outcome = replay_file(record)
    assert about(outcome, "Record").startswith("Record: view.json, made by elascope ")
    assert about(outcome, "File") == (
        f"File: photo.jpg is the examined file, by its SHA-256 {raw['sha256']}."
    )
    assert about(outcome, "Decoding").startswith("Decoding: as recorded, by Pillow ")
    assert "quality 90, subsampling 4:2:0" in about(outcome, "Method")
    assert "encoder and encoder fingerprint as recorded" in about(outcome, "Method")
    assert about(outcome, "View") == (
        "View: overlay, opacity 0.6, columns 16 to 120, rows 24 to 101, reduced 4 to 1 by the "
        "maximum."
    )
    assert about(outcome, "Versions") == "Versions: as recorded."
    assert raw["output"]["pixels_sha256"] in about(outcome, "Picture")
    assert about(outcome, "PNG") == (
        "PNG: all 520 pixels of view.png are equal to those made again."
    )


def test_evidence_and_record_are_only_read(tmp_path: Path) -> None:
    exported(tmp_path)
    for path in tmp_path.iterdir():
        os.utime(path, ns=(1_600_000_000_000_000_000, 1_500_000_000_000_000_000))
        path.chmod(0o444)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
    assert replay_file(tmp_path / "view.json").same
    assert replay_file(tmp_path / "view.png").same
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}


# The examined file ----------------------------------------------------------------------------


def test_the_file_is_found_beside_the_record_in_another_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    exported(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert replay_file(tmp_path / "b" / "view.json").same


@pytest.mark.parametrize("name", [b"ph\xe9to.jpg", b"a\\xe9.jpg", b"new\nline.jpg", b"<b>.jpg"])
def test_odd_names_are_found_again_and_shown_in_one_line(tmp_path: Path, name: bytes) -> None:
    record = exported(tmp_path, name=os.fsdecode(name))
    record.read_bytes().decode("utf-8")
    outcome = replay_file(record)
    assert outcome.same
    assert all(text.isprintable() for text in outcome.sentences)


def test_a_missing_file_asks_for_image(tmp_path: Path) -> None:
    record = exported(tmp_path)
    moved = (tmp_path / "photo.jpg").rename(tmp_path / "renamed.jpg")
    with pytest.raises(UnreadableFileError, match=r"photo\.jpg .* --image"):
        replay_file(record)
    assert replay_file(record, moved).same
    with pytest.raises(UnreadableFileError):
        replay_file(record, tmp_path / "none.jpg")


def test_another_file_is_refused_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = exported(tmp_path)
    raw = json.loads(record.read_text("utf-8"))
    monkeypatch.setattr("app.report.replay.decode", _must_not_run)
    other = tmp_path / "other.jpg"
    other.write_bytes((tmp_path / "photo.jpg").read_bytes() + b"\0")
    for outcome in (replay_file(record, other), replay_file(tmp_path / "view.png", other)):
        assert not outcome.same
        assert raw["sha256"] in outcome.sentences[-1]
        assert "Nothing was computed" in outcome.sentences[-1]


def _must_not_run(*_: object) -> None:
    raise AssertionError("computed")


def test_the_export_of_a_png_is_not_taken_for_the_evidence(tmp_path: Path) -> None:
    """photo.png examined, exported as out/photo.png: the recorded name is that of the export."""
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(scene(110, 130), "PNG"))
    (tmp_path / "out").mkdir()
    evidence = open_evidence(photo)
    record = export_view(
        tmp_path / "out" / "photo.png", evidence, decode(evidence), ELA, ElaParams(), VIEW
    )
    outcome = replay_file(record)
    assert not outcome.same
    assert "--image" in outcome.sentences[-1]
    assert replay_file(record, photo).same
    assert replay_file(record.with_suffix(".png"), photo).same


def test_the_evidence_is_not_taken_for_the_export(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(scene(110, 130), "PNG"))
    (tmp_path / "out").mkdir()
    evidence = open_evidence(photo)
    record = export_view(
        tmp_path / "out" / "photo.png", evidence, decode(evidence), ELA, ElaParams(), VIEW
    )
    alone = record.rename(tmp_path / "photo.json")
    outcome = replay_file(alone)
    assert outcome.same
    assert "none lies beside the record" in about(outcome, "PNG")


# Differences ----------------------------------------------------------------------------------


def test_a_changed_quality_gives_another_picture(tmp_path: Path) -> None:
    record = changed(exported(tmp_path), lambda raw: raw["parameters"].update(quality=60))
    outcome = replay_file(record)
    assert not outcome.same
    assert "quality 60" in about(outcome, "Method")
    assert "made again it has 26 x 20 pixels" in about(outcome, "Picture")
    assert "the record inside view.png is not the same" in about(outcome, "PNG")
    assert "PNG and recorded SHA-256 belong together" in outcome.sentences[-1]


def test_a_changed_view_gives_another_size(tmp_path: Path) -> None:
    record = changed(exported(tmp_path), lambda raw: raw["view"].update(factor=8))
    outcome = replay_file(record)
    assert not outcome.same
    assert "13 x 10 pixels" in about(outcome, "Picture")
    assert "not compared pixel by pixel" in about(outcome, "PNG")


def retouched(png: Path) -> None:
    """Change two pixels, one by 1 and one by 8 grey levels, and keep the record inside."""
    with Image.open(png) as image:
        text = image.text[RECORD_KEY]  # type: ignore[attr-defined]
        shown = np.array(image)
    shown[3, 4, 1] ^= 1
    shown[9, 20, 2] ^= 8
    info = PngInfo()
    info.add_itxt(RECORD_KEY, text)
    Image.fromarray(shown).save(png, pnginfo=info)


@pytest.mark.parametrize("source", ["view.json", "view.png"])
def test_changed_pixels_of_the_png_are_counted(tmp_path: Path, source: str) -> None:
    exported(tmp_path)
    retouched(tmp_path / "view.png")
    outcome = replay_file(tmp_path / source)
    assert not outcome.same
    assert about(outcome, "Picture").endswith("as recorded.")
    assert about(outcome, "PNG") == (
        "PNG: 2 of 520 pixels of view.png differ from those made again, by at most 8 of 255 grey "
        "levels."
    )
    assert "changed after it was written" in outcome.sentences[-1]


def test_a_png_that_lost_its_record_is_said(tmp_path: Path) -> None:
    record = exported(tmp_path)
    with Image.open(tmp_path / "view.png") as image:
        plain = Image.fromarray(np.array(image))
    plain.save(tmp_path / "view.png")
    outcome = replay_file(record)
    assert outcome.same
    assert "view.png holds no record" in about(outcome, "PNG")
    with pytest.raises(RecordRefusedError, match="without a record"):
        replay_file(tmp_path / "view.png")


@pytest.mark.parametrize("size", [0, 60, 400])
def test_a_damaged_png_beside_the_record_is_not_the_same(tmp_path: Path, size: int) -> None:
    record = exported(tmp_path)
    whole = (tmp_path / "view.png").read_bytes()
    (tmp_path / "view.png").write_bytes(whole[:size])
    outcome = replay_file(record)
    assert not outcome.same
    assert "It was not compared" in about(outcome, "PNG")
    assert outcome.sentences[-1].endswith("its PNG could not be compared.")


# What a viewer may show instead of the pixels --------------------------------------------------


def chunks_of(data: bytes) -> list[bytes]:
    """The chunks of a PNG, whole."""
    chunks, at = [], 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        chunks.append(data[at:end])
        at = end
    return chunks


Edit = Callable[[list[bytes]], list[bytes]]


def behind_header(kind: bytes, payload: bytes) -> Edit:
    return lambda chunks: [chunks[0], png_chunk(kind, payload), *chunks[1:]]


def animated(chunks: list[bytes]) -> list[bytes]:
    """An animation: the recorded picture is hidden, its only frame is white (PNG, 11.3.6)."""
    frame = zlib.compress((b"\0" + b"\xff" * 26 * 3) * 20)
    control = struct.pack(">IIIIIHHBB", 0, 26, 20, 0, 0, 1, 1, 0, 0)
    return [
        chunks[0],
        png_chunk(b"acTL", struct.pack(">II", 1, 0)),
        *chunks[1:-1],
        png_chunk(b"fcTL", control),
        png_chunk(b"fdAT", struct.pack(">I", 1) + frame),
        chunks[-1],
    ]


TURNED = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


@pytest.mark.parametrize("source", ["view.json", "view.png"])
@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (animated, "the chunk acTL, the chunk fcTL, the chunk fdAT."),
        (behind_header(b"tRNS", b"\0\0\0\0\0\0"), "the chunk tRNS."),
        (behind_header(b"gAMA", struct.pack(">I", 5000)), "the chunk gAMA."),
        (behind_header(b"eXIf", TURNED), "the chunk eXIf."),
        (behind_header(b"tEXt", b"Raw profile type exif\0\nexif\n"), "the chunk tEXt."),
        (lambda chunks: [*chunks, b"more"], "bytes behind its end."),
    ],
    ids=["animation", "transparency", "gamma", "orientation", "profile", "tail"],
)
def test_a_png_with_the_same_pixels_that_may_look_otherwise_is_not_the_same(
    tmp_path: Path, source: str, edit: Edit, named: str
) -> None:
    exported(tmp_path)
    png = tmp_path / "view.png"
    before = png.read_bytes()
    png.write_bytes(before[:8] + b"".join(edit(chunks_of(before))))
    outcome = replay_file(tmp_path / source)
    assert not outcome.same
    assert about(outcome, "Picture").endswith("as recorded.")
    assert "all 520 pixels of view.png are equal" in about(outcome, "PNG")
    assert f"view.png has {named} Elascope does not write that" in about(outcome, "PNG")
    assert "what a viewer shows of it may be something else" in outcome.sentences[-1]


def test_strange_chunks_of_a_hostile_png_do_not_fill_the_screen(tmp_path: Path) -> None:
    exported(tmp_path)
    png = tmp_path / "view.png"
    first, *others = chunks_of(png.read_bytes())
    more = [png_chunk(b"aa" + bytes([65 + n // 26, 97 + n % 26]), b"") for n in range(400)]
    png.write_bytes(b"".join([b"\x89PNG\r\n\x1a\n", first, *more, *others]))
    sentence = about(replay_file(png), "PNG")
    assert "the chunk aaAa, the chunk aaAb, the chunk aaAc, the chunk aaAd, further" in sentence
    assert sentence.isprintable() and len(sentence) < 600


def moved_behind_the_pixels(chunks: list[bytes]) -> list[bytes]:
    texts = [chunk for chunk in chunks if chunk[4:8] == b"iTXt"]
    return [*(chunk for chunk in chunks[:-1] if chunk not in texts), *texts, chunks[-1]]


def packed(chunks: list[bytes]) -> list[bytes]:
    keyword, text = chunks[1][8:-4].split(b"\0\0\0\0\0")
    return [
        chunks[0],
        png_chunk(b"iTXt", keyword + b"\0\1\0en\0\0" + zlib.compress(text)),
        *chunks[2:],
    ]


def as_latin_text(chunks: list[bytes]) -> list[bytes]:
    text = chunks[1][8:-4].replace(b"\0\0\0\0\0", b"\0")
    return [chunks[0], png_chunk(b"tEXt", text), *chunks[2:]]


def as_packed_latin_text(chunks: list[bytes]) -> list[bytes]:
    keyword, text = chunks[1][8:-4].split(b"\0\0\0\0\0")
    return [
        chunks[0],
        png_chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(text)),
        *chunks[2:],
    ]


@pytest.mark.parametrize(
    "edit", [moved_behind_the_pixels, packed, as_latin_text, as_packed_latin_text]
)
def test_a_record_is_found_wherever_another_program_put_it(tmp_path: Path, edit: Edit) -> None:
    exported(tmp_path)
    png = tmp_path / "view.png"
    before = png.read_bytes()
    png.write_bytes(before[:8] + b"".join(edit(chunks_of(before))))
    outcome = replay_file(png)
    assert outcome.same, outcome.sentences


def test_a_png_with_two_records_is_refused(tmp_path: Path) -> None:
    """A reader of the text may see the other one."""
    exported(tmp_path)
    png = tmp_path / "view.png"
    before = png.read_bytes()
    first, record, *others = chunks_of(before)
    other = record[8:-4].replace(b'"quality": 90', b'"quality": 12')
    png.write_bytes(b"".join([before[:8], first, png_chunk(b"iTXt", other), record, *others]))
    with pytest.raises(RecordRefusedError, match="2 records"):
        replay_file(png)
    assert not replay_file(tmp_path / "view.json").same


def test_a_record_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    bomb = zlib.compress(b"[" * (8 * RECORD_LIMIT))
    text = RECORD_KEY.encode() + b"\0\1\0\0\0" + bomb
    png = hand_made_png(1, 1, 8, 2, [b"\0\0\0"], [(b"iTXt", text)])
    (tmp_path / "view.png").write_bytes(png)
    with pytest.raises(RecordRefusedError, match="too large"):
        replay_file(tmp_path / "view.png")


def test_parameters_that_stand_twice_are_refused(tmp_path: Path) -> None:
    record = exported(tmp_path)
    text = record.read_text("utf-8")
    record.write_text(text.replace('"parameters"', '"parameters": {"quality": 12}, "parameters"'))
    with pytest.raises(RecordRefusedError, match='names "parameters" twice'):
        replay_file(record)


def test_another_size_of_the_file_is_said(tmp_path: Path) -> None:
    record = changed(exported(tmp_path), lambda raw: raw.update(bytes=5))
    size = (tmp_path / "photo.jpg").stat().st_size
    said = about(replay_file(record), "File")
    assert f"it has {size:,} bytes and not 5, as the record says" in said
    assert "bytes" not in about(replay_file(tmp_path / "view.png"), "File")


@pytest.mark.parametrize("suffix", ["PNG", "Png", "pNg"])
def test_the_png_beside_is_found_in_capitals_too(tmp_path: Path, suffix: str) -> None:
    record = exported(tmp_path)
    (tmp_path / "view.png").rename(tmp_path / f"view.{suffix}")
    said = about(replay_file(record), "PNG")
    assert said == f"PNG: all 520 pixels of view.{suffix} are equal to those made again."


# Hashes ---------------------------------------------------------------------------------------


def test_a_changed_hash_of_the_output_is_told_from_a_changed_picture(tmp_path: Path) -> None:
    record = changed(
        exported(tmp_path), lambda raw: raw["output"].update(pixels_sha256="0123456789abcdef" * 4)
    )
    outcome = replay_file(record)
    assert not outcome.same
    assert "the record may have been changed" in outcome.sentences[-1]


def test_without_its_png_a_record_is_compared_by_hash(tmp_path: Path) -> None:
    record = exported(tmp_path)
    (tmp_path / "view.png").unlink()
    outcome = replay_file(record)
    assert outcome.same
    assert "only the SHA-256 was compared" in about(outcome, "PNG")
    changed(record, lambda raw: raw["parameters"].update(scale=16.0))
    assert not replay_file(record).same


def test_another_encoder_is_reported_and_not_fatal(tmp_path: Path) -> None:
    record = changed(
        exported(tmp_path),
        lambda raw: raw.update(encoder="OpenCV 4.1 (libjpeg 9)", encoder_fingerprint="0" * 16),
    )
    outcome = replay_file(record)
    assert outcome.same
    assert "encoder OpenCV 4.1 (libjpeg 9) in the record, OpenCV" in about(outcome, "Method")
    assert f"encoder fingerprint {'0' * 16} in the record" in about(outcome, "Method")
    assert "the map may differ for that reason alone" in about(outcome, "Method")


def test_another_decoder_and_other_versions_are_reported(tmp_path: Path) -> None:
    def older(raw: dict[str, Any]) -> None:
        raw["decode"]["decoder"] = "Pillow 9"
        raw["decode"]["conversions"] = ["CMYK to RGB"]
        raw["versions"]["numpy"] = "1.0"
        del raw["versions"]["opencv"]

    outcome = replay_file(changed(exported(tmp_path), older))
    assert outcome.same
    assert "decoder Pillow 9 in the record, Pillow" in about(outcome, "Decoding")
    assert 'conversions ["CMYK to RGB"] in the record, [] here' in about(outcome, "Decoding")
    assert "numpy 1.0 in the record" in about(outcome, "Versions")
    assert "opencv not in the record" in about(outcome, "Versions")


def test_what_a_record_leaves_out_is_said(tmp_path: Path) -> None:
    def shorter(raw: dict[str, Any]) -> None:
        for key in ("decode", "versions", "encoder", "program"):
            del raw[key]
        del raw["parameters"]["auto_gain"]

    outcome = replay_file(changed(exported(tmp_path), shorter))
    assert outcome.same
    assert "does not name auto gain; the default was used" in about(outcome, "Method")
    assert "does not say how" in about(outcome, "Decoding")
    assert "does not name them" in about(outcome, "Versions")


# Hostile and broken records -------------------------------------------------------------------


def _set(*path_and_value: Any) -> Change:
    *path, value = path_and_value

    def change(raw: dict[str, Any]) -> None:
        for key in path[:-1]:
            raw = raw[key]
        raw[path[-1]] = value

    return change


def _drop(*path: str) -> Change:
    def change(raw: dict[str, Any]) -> None:
        for key in path[:-1]:
            raw = raw[key]
        del raw[path[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_set("record", 2), "format 2; this program knows up to 1"),
        (_set("record", 0), "not a record"),
        (_set("record", True), "not a record"),
        (_set("record", "1"), "not a record"),
        (_drop("record"), "not a record"),
        (_set("method", "telepathy"), "does not know the method telepathy"),
        (_set("method", 3), "method is not text"),
        (_drop("method"), "method is missing"),
        (_set("sha256", "A" * 64), "sha256 is not a SHA-256 digest"),
        (_drop("sha256"), "sha256 is missing"),
        (_set("parameters", "quality", 0), "Quality must lie between 1 and 100."),
        (_set("parameters", "quality", 10**400), "Quality must lie between"),
        (_set("parameters", "scale", 10**400), "Scale must lie between"),
        (_set("parameters", "quality", None), "Quality must be a number."),
        (_set("parameters", "subsampling", ["4:2:0"]), "Subsampling must be one of"),
        (_set("parameters", "radius", 4), "no parameter radius"),
        (_set("parameters", []), "parameters is not an object"),
        (_set("view", None), "view is not an object"),
        (_set("view", "factor", 0), "The factor must lie between"),
        (_set("view", "factor", 10**9), "The factor must lie between"),
        (_set("view", "factor", 10**400), "The factor must lie between"),
        (_set("view", "factor", 4.0), "factor is not a whole number"),
        (_set("view", "factor", True), "factor is not a whole number"),
        (_set("view", "opacity", 10**9), "The opacity must lie between 0 and 1."),
        (_set("view", "opacity", "1"), "opacity is not a number"),
        (_set("view", "divider", -1), "The divider must lie between 0 and 1."),
        (_set("view", "show", "everything"), "a word that this program does not know"),
        (_set("view", "reduction", "median"), "a word that this program does not know"),
        (_drop("view", "show"), "show is missing"),
        (_set("view", "region", [0, 0, 9, 9]), "region is not an object"),
        (_set("view", "region", "right", 10**12), "reaches beyond the picture"),
        (_set("view", "region", "right", 131), "reaches beyond the picture"),
        (_set("view", "region", "left", -4), "at least one pixel"),
        (_set("view", "region", "left", 17), "multiples of the factor 4"),
        (_set("view", "region", "bottom", 24), "at least one pixel"),
        (_drop("view", "region", "top"), "top is missing"),
        (_drop("output"), "output is missing"),
        (_set("output", "pixels_sha256", "x"), "pixels_sha256 is not a SHA-256 digest"),
        (_set("output", "width", 1.5), "width is not a whole number"),
        (_set("name", "../photo.jpg"), "not the name of a file"),
        (_set("name", "/etc/passwd"), "not the name of a file"),
        (_set("name", ".."), "not the name of a file"),
        (_set("name", "a\0b"), "not the name of a file"),
        (_set("name", "\ud800"), "not the name of a file"),
        (_set("name_bytes", "2e2e2f61"), "not the name of a file"),
        (_set("name_bytes", "zz"), "name_bytes is not hexadecimal"),
        (_drop("name"), "name is missing"),
        (_set("extra", json.loads("[" * 30 + "]" * 30)), "nested too deeply"),
    ],
)
def test_a_record_that_cannot_be_replayed_is_refused(
    tmp_path: Path, change: Change, sentence: str
) -> None:
    record = exported(tmp_path)
    changed(record, change)
    with pytest.raises(RecordRefusedError, match=sentence) as caught:
        replay_file(record)
    assert caught.value.sentence.isprintable()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"record": NaN}',
        b"[" * 100_000,
        b'{"record": 1, "a": ' + b"[" * 50 + b"]" * 50 + b"}",
        b'{"record": ' + b"9" * 5000 + b"}",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
    ],
    ids=range(13),
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "record").write_bytes(content)
    with pytest.raises(RecordRefusedError):
        replay_file(tmp_path / "record")


def test_a_record_of_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.write(b'{"record": 1, "padding": "')
        stream.truncate(2 << 30)
    with pytest.raises(RecordRefusedError, match="too large for a record"):
        replay_file(huge)


def png_with_text(width: int, height: int, text: bytes) -> bytes:
    chunk = (b"iTXt", RECORD_KEY.encode() + b"\0\0\0\0\0" + text)
    return hand_made_png(width, height, 8, 2, [b"\0\0\0"], [chunk])


@pytest.mark.parametrize(
    "content",
    [
        png_with_text(1, 1, b"not JSON"),
        png_with_text(1, 1, b'{"record": 1}'),
        png_with_text(1, 1, b'{"record": "' + b"x" * RECORD_LIMIT + b'"}'),
        png_with_text(60_000, 60_000, b'{"record": 1}'),
        png_with_text(100, 100, b'{"record": 1}'),
        hand_made_png(1, 1, 16, 2, [b"\0" * 6]),
        hand_made_png(1, 1, 8, 2, [b"\0\0\0"], [(b"iTXt", RECORD_KEY.encode())]),
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"iTXt", RECORD_KEY.encode() + b'\0\0\0\0\0{"record": 1}'),
    ],
    ids=["no JSON", "empty", "long", "bomb", "cut off", "16 bits", "bad chunk", "no header"],
)
def test_a_hostile_png_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "view.png").write_bytes(content)
    with pytest.raises(RecordRefusedError):
        replay_file(tmp_path / "view.png")


def test_a_pipe_a_folder_and_nothing_are_sentences(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path, tmp_path / "none.json"):
        with pytest.raises(UnreadableFileError):
            replay_file(path)


def test_a_record_of_a_file_that_is_no_picture_is_a_sentence(tmp_path: Path) -> None:
    record = exported(tmp_path)
    (tmp_path / "text.txt").write_bytes(b"no picture")
    digest = open_evidence(tmp_path / "text.txt").sha256
    changed(record, lambda raw: raw.update(sha256=digest, name="text.txt"))
    with pytest.raises(UnsupportedFormatError):
        replay_file(record)


def test_hostile_words_in_a_record_reach_the_reader_escaped(tmp_path: Path) -> None:
    def hostile(raw: dict[str, Any]) -> None:
        raw["program"] = "\x1b[2J\n" + "x" * 100_000
        raw["encoder"] = {"a": ["\x1b"]}
        raw["decode"]["decoder"] = "\u202eevil"
        raw["versions"]["python"] = None

    outcome = replay_file(changed(exported(tmp_path), hostile))
    assert outcome.same
    assert all(text.isprintable() and len(text) < 5000 for text in outcome.sentences)


def test_every_change_of_one_byte_ends_in_an_answer(tmp_path: Path) -> None:
    """Whatever a damaged record says, it is replayed or refused in a sentence."""
    record = exported(tmp_path)
    whole = record.read_bytes()
    places = np.random.default_rng(1).integers(0, len(whole), 150)
    for place in places.tolist():
        record.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        try:
            replay_file(record)
        except ElascopeError as error:
            assert error.sentence


def test_no_changed_digit_or_letter_of_step_and_hashes_goes_through(tmp_path: Path) -> None:
    record = exported(tmp_path)
    whole = record.read_bytes()
    places: list[int] = []
    for begin, end in ((b'"parameters"', b"}"), (b'"pixels_sha256"', b"}"), (b'"sha256"', b",")):
        at = whole.index(begin)
        places += range(at, whole.index(end, at))
    for place in places:
        if not whole[place : place + 1].isalnum():
            continue
        record.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        try:
            outcome = replay_file(record)
        except ElascopeError:
            continue
        assert not outcome.same, record.read_text()[place - 20 : place + 20]


def test_a_replay_can_be_cancelled(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        replay_file(exported(tmp_path), stop=stop)
