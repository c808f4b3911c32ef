import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from app.analysis import ANALYSES
from app.analysis.base import Analysis
from app.analysis.ela import ELA, ElaParams
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.arrays import RgbU8
from app.errors import CancelledError, InvalidParameterError, NotWrittenError, TooLargeError
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from app.report import view as view_module
from app.report.picture import write_png
from app.report.record import RECORD_KEY
from app.report.view import FACTOR_LIMIT, Show, ViewSpec, compose, export_view
from tests.pictures import encoded, pillow_residual, scene

PARAMS = ElaParams(quality=85, subsampling="4:4:4", scale=20.0)
REGION = Region(12, 20, 155, 111)
"""Cut off by a factor of 4 on the right and below."""


def blocks(values: NDArray[Any], factor: int, fold: Callable[..., Any]) -> NDArray[Any]:
    """Fold square after square, as one would by hand."""
    rows, columns = range(0, values.shape[0], factor), range(0, values.shape[1], factor)
    return np.array(
        [[fold(values[y : y + factor, x : x + factor], axis=(0, 1)) for x in columns] for y in rows]
    )


def pixels() -> RgbU8:
    return scene(130, 170)


def part(values: NDArray[Any]) -> NDArray[Any]:
    return values[20:111, 12:155]


def residual_part() -> NDArray[np.int16]:
    return part(pillow_residual(pixels(), 85, "4:4:4"))


def test_when_memory_runs_out_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def starved(*_: Any) -> None:
        np.empty(1 << 60, np.uint8)

    monkeypatch.setattr(view_module, "blend", starved)
    with pytest.raises(TooLargeError, match="Memory ran out"):
        compose(pixels(), ELA, PARAMS, ViewSpec(REGION, show=Show.OVERLAY))


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_the_picture_is_reduced_by_the_mean_and_rounded(factor: int) -> None:
    shown = compose(pixels(), ELA, PARAMS, ViewSpec(REGION, factor, show=Show.PICTURE))
    expected = np.rint(blocks(part(pixels()).astype(np.float64), factor, np.mean))
    assert np.array_equal(shown, expected)
    assert shown.dtype == np.uint8


def test_the_map_at_full_resolution_is_that_of_an_independent_codec() -> None:
    shown = compose(pixels(), ELA, PARAMS, ViewSpec(REGION))
    assert np.array_equal(shown, np.clip(residual_part() * 20, 0, 255))


def test_the_map_is_reduced_before_it_is_amplified() -> None:
    largest = compose(pixels(), ELA, PARAMS, ViewSpec(REGION, 4, Reduction.MAXIMUM))
    assert np.array_equal(largest, np.clip(blocks(residual_part(), 4, np.max) * 20, 0, 255))
    mean = compose(pixels(), ELA, PARAMS, ViewSpec(REGION, 4, Reduction.MEAN))
    exact = np.clip(blocks(residual_part().astype(np.float64), 4, np.mean) * 20, 0, 255)
    assert np.abs(mean - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("factor", [1, 4])
def test_an_overlay_adds_the_map_to_what_its_share_leaves(factor: int) -> None:
    view = ViewSpec(REGION, factor, Reduction.MAXIMUM, Show.OVERLAY, opacity=0.7)
    shown = compose(pixels(), ELA, PARAMS, view)
    picture = np.rint(blocks(part(pixels()).astype(np.float64), factor, np.mean))
    map_ = np.clip(blocks(residual_part(), factor, np.max) * 20, 0, 255)
    share = 0.7 * map_.max(axis=2, keepdims=True) / 255
    exact = picture * (1 - share) + 0.7 * map_
    assert np.abs(shown - exact).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(("divider", "column"), [(0.0, 0), (0.3, 43), (0.5, 72), (1.0, 143)])
def test_a_wipe_has_the_picture_on_the_left_and_the_map_on_the_right(
    divider: float, column: int
) -> None:
    """Of 143 columns, 42.9 and 71.5 are rounded, the half up."""
    view = ViewSpec(REGION, show=Show.MAP, left=Show.PICTURE, divider=divider)
    shown = compose(pixels(), ELA, PARAMS, view)
    map_ = np.clip(residual_part() * 20, 0, 255)
    assert np.array_equal(shown[:, :column], part(pixels())[:, :column])
    assert np.array_equal(shown[:, column:], map_[:, column:])


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.id)
def test_bands_on_threads_change_nothing(analysis: Analysis) -> None:
    """A picture of two bands, against the parts that each lie in one."""
    large = scene(640, 8000)
    params = analysis.resolve(analysis.params(), None)
    view = ViewSpec(Region(0, 0, 8000, 640), 8, Reduction.MAXIMUM, Show.OVERLAY, 0.6)
    whole = compose(large, analysis, params, view, threads=2)
    assert whole.shape == (80, 1000, 3)
    for left in (0, 4000):
        region = Region(left, 0, left + 4000, 640)
        half = compose(large, analysis, params, dataclasses.replace(view, region=region))
        assert np.array_equal(whole[:, left // 8 : left // 8 + 500], half)


@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.id)
def test_the_map_of_the_whole_picture_is_that_of_a_run(analysis: Analysis) -> None:
    params = analysis.resolve(analysis.params(), None)
    shown = compose(pixels(), analysis, params, ViewSpec(Region.whole(pixels())))
    assert np.array_equal(shown, analysis.run(pixels(), params).rendering.picture)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"factor": 0}, "The factor must lie between 1 and 4096."),
        ({"factor": -4}, "The factor must lie between 1 and 4096."),
        ({"factor": FACTOR_LIMIT + 1}, "The factor must lie between 1 and 4096."),
        ({"opacity": -0.01}, "The opacity must lie between 0 and 1."),
        ({"opacity": 1e9}, "The opacity must lie between 0 and 1."),
        ({"opacity": float("nan")}, "The opacity must lie between 0 and 1."),
        ({"divider": 1.5}, "The divider must lie between 0 and 1."),
        ({"region": Region(5, 5, 5, 9)}, "at least one pixel"),
        ({"region": Region(5, 5, 9, 4)}, "at least one pixel"),
        ({"region": Region(-4, 0, 9, 4)}, "at least one pixel"),
        ({"region": Region(4, 2, 9, 9), "factor": 4}, "multiples of the factor 4"),
    ],
)
def test_a_view_out_of_range_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidParameterError, match=sentence):
        ViewSpec(**{"region": REGION, **values})


@pytest.mark.parametrize("show", Show)
@pytest.mark.parametrize("region", [Region(0, 0, 171, 130), Region(0, 120, 10, 131)])
def test_a_region_beyond_the_picture_is_refused(region: Region, show: Show) -> None:
    with pytest.raises(InvalidParameterError, match="170 x 130 pixels"):
        compose(pixels(), ELA, PARAMS, ViewSpec(region, show=show))


# Export ---------------------------------------------------------------------------------------


def export(folder: Path, target: str = "view.png", name: str = "photo.jpg", **options: Any) -> Path:
    evidence_path = folder / name
    if not evidence_path.exists():
        evidence_path.write_bytes(encoded(pixels(), "JPEG", quality=90))
    evidence = open_evidence(evidence_path)
    view = options.pop("view", ViewSpec(REGION, 4, Reduction.MAXIMUM, Show.OVERLAY, 0.6))
    return export_view(folder / target, evidence, decode(evidence), ELA, PARAMS, view, **options)


def test_an_export_is_a_picture_and_its_record_twice(tmp_path: Path) -> None:
    beside = export(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photo.jpg", "view.json", "view.png"]
    record = json.loads(beside.read_text("utf-8"))
    with Image.open(tmp_path / "view.png") as image:
        assert json.loads(image.text[RECORD_KEY]) == record  # type: ignore[attr-defined]
        assert image.mode == "RGB"
        shown = np.asarray(image)
    content = (tmp_path / "photo.jpg").read_bytes()
    assert record["record"] == 1
    assert record["name"] == "photo.jpg"
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert record["parameters"] == dataclasses.asdict(PARAMS)
    assert record["view"] == {
        "region": {"left": 12, "top": 20, "right": 155, "bottom": 111},
        "factor": 4,
        "reduction": "maximum",
        "show": "overlay",
        "opacity": 0.6,
        "left": None,
        "divider": 0.5,
    }
    assert record["output"] == {
        "width": 36,
        "height": 23,
        "pixels_sha256": hashlib.sha256(shown.tobytes()).hexdigest(),
    }
    assert set(record["versions"]) == {"elascope", "python", "numpy", "opencv", "pillow"}
    evidence = open_evidence(tmp_path / "photo.jpg")
    spec = ViewSpec(REGION, 4, Reduction.MAXIMUM, Show.OVERLAY, 0.6)
    assert np.array_equal(shown, compose(decode(evidence).pixels, ELA, PARAMS, spec))


def test_no_path_of_this_machine_is_in_a_record(tmp_path: Path) -> None:
    folder = tmp_path / "case-4711-suspect"
    folder.mkdir()
    export(folder)
    for name in ("view.json", "view.png"):
        assert b"4711" not in (folder / name).read_bytes()


def test_evidence_is_not_touched(tmp_path: Path) -> None:
    export(tmp_path)
    photo = tmp_path / "photo.jpg"
    os.utime(photo, ns=(1_600_000_000_000_000_000, 1_500_000_000_000_000_000))
    before = (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino)
    export(tmp_path)
    assert (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino) == before


def test_an_export_may_replace_an_older_one_of_another_view(tmp_path: Path) -> None:
    beside = export(tmp_path)
    first = (beside.read_bytes(), (tmp_path / "view.png").read_bytes())
    export(tmp_path, view=ViewSpec(REGION))
    assert beside.read_bytes() != first[0]
    export(tmp_path)
    assert (beside.read_bytes(), (tmp_path / "view.png").read_bytes()) == first


@pytest.mark.parametrize("picture", ["none", "of the other", "no PNG"])
def test_a_record_that_is_not_that_of_the_replaced_picture_is_kept(
    tmp_path: Path, picture: str
) -> None:
    """Who agrees to replace view.png was not asked about the record of another step."""
    beside = export(tmp_path)
    other = beside.read_bytes().replace(b'"quality": 85', b'"quality": 60')
    beside.write_bytes(other)
    if picture == "none":
        (tmp_path / "view.png").unlink()
    elif picture == "no PNG":
        (tmp_path / "view.png").write_text("a text")
    with pytest.raises(NotWrittenError, match=r"not the record of .*view\.png, so nothing"):
        export(tmp_path)
    assert beside.read_bytes() == other


@pytest.mark.parametrize("target", ["photo.png", "PHOTO.PNG", "link.png", "photo.jpg"])
def test_the_examined_file_is_no_target(tmp_path: Path, target: str) -> None:
    name = "photo.jpg" if target == "photo.jpg" else target
    if target == "link.png":
        name = "photo.jpg"
        (tmp_path / target).symlink_to(tmp_path / name)
    (tmp_path / name).write_bytes(encoded(pixels(), "JPEG"))
    before = (tmp_path / name).read_bytes()
    with pytest.raises(NotWrittenError):
        export(tmp_path, target, name)
    assert (tmp_path / name).read_bytes() == before
    assert not list(tmp_path.glob("*.json"))


def test_an_examined_file_with_the_name_of_the_record_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "view.json").write_bytes(encoded(pixels(), "JPEG"))
    before = (tmp_path / "view.json").read_bytes()
    with pytest.raises(NotWrittenError, match="examined"):
        export(tmp_path, name="view.json")
    assert (tmp_path / "view.json").read_bytes() == before
    assert not (tmp_path / "view.png").exists()


def test_another_file_of_the_list_is_no_target(tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(b"evidence too")
    with pytest.raises(NotWrittenError, match="examined"):
        export(tmp_path, "other.png", examined=[other])
    assert other.read_bytes() == b"evidence too"


def _foreign(folder: Path) -> None:
    (folder / "view.json").write_text('{"title": "of another program"}')


def _folder(folder: Path) -> None:
    (folder / "view.json").mkdir()


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "view.json")


def _pipe_for_picture(folder: Path) -> None:
    os.mkfifo(folder / "view.png")


def _one_file(folder: Path) -> None:
    write_png(folder / "view.png", pixels(), {"record": 1})
    (folder / "view.json").symlink_to(folder / "view.png")


@pytest.mark.parametrize(
    "obstacle", [_foreign, _folder, _pipe, _pipe_for_picture, _one_file], ids=lambda f: f.__name__
)
def test_what_is_in_the_way_is_found_before_anything_is_written(
    tmp_path: Path, obstacle: Callable[[Path], None]
) -> None:
    obstacle(tmp_path)
    before = {path: path.lstat() for path in tmp_path.iterdir()}
    with pytest.raises(NotWrittenError, match="nothing is written"):
        export(tmp_path)
    after = {path: path.lstat() for path in tmp_path.iterdir() if path.name != "photo.jpg"}
    assert [(p, s.st_mtime_ns, s.st_ino) for p, s in before.items()] == [
        (p, s.st_mtime_ns, s.st_ino) for p, s in after.items()
    ]


@pytest.mark.parametrize("target", ["view", "view.jpg", "view.json", ".png"])
def test_a_name_without_png_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(NotWrittenError, match="does not end in"):
        export(tmp_path, target)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


@pytest.mark.parametrize("older", [False, True])
def test_when_the_record_fails_the_sentence_says_that_the_picture_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: bool
) -> None:
    if older:
        export(tmp_path)

    def full(target: Path, _: bytes) -> None:
        raise NotWrittenError(f"{target} could not be written: No space left on device.")

    monkeypatch.setattr(view_module, "write_bytes", full)
    with pytest.raises(NotWrittenError) as caught:
        export(tmp_path)
    assert "view.json could not be written: No space left" in caught.value.sentence
    assert "view.png is written; its record is inside it." in caught.value.sentence
    assert ("An older record" in caught.value.sentence) == older
    with Image.open(tmp_path / "view.png") as image:
        assert json.loads(image.text[RECORD_KEY])["record"] == 1  # type: ignore[attr-defined]


def test_a_cancelled_export_writes_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        export(tmp_path, stop=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError, match="could not be written"):
        export(tmp_path, "missing/view.png")
