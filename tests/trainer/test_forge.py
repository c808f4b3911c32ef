"""Forgeries: masks tell the truth, histories can be repeated, folders are whole."""

import argparse
import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from app.errors import NotWrittenError
from tests.pictures import encoded, pillow_round_trip, scene
from trainer.cli import main
from trainer.commands.forge import add_forge
from trainer.corpus import forged_folder
from trainer.corpus.forge import ForgeRange, Plan, choose_kinds, known_history
from trainer.corpus.forging import FORGERIES
from trainer.corpus.forging.base import Forged, Forgery, Task
from trainer.corpus.photographs import read_photographs
from trainer.corpus.read import read_corpus
from trainer.errors import CorpusError

SHARE = (0.01, 0.3)
KINDS = {forgery.id: forgery for forgery in FORGERIES}


def photograph(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Soft shapes with detail and grain, so that any two places differ."""
    random = np.random.default_rng(seed)
    layers = np.zeros((height, width, 3))
    for cells, strength in ((3, 70), (9, 40), (25, 25)):
        coarse = random.uniform(0, 255, (cells, cells, 3)).astype(np.uint8)
        smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        layers += (np.asarray(smooth, dtype=np.float64) - 128) / 128 * strength
    return np.clip(128 + layers + random.normal(0, 3, layers.shape), 0, 255).astype(np.uint8)


def made(kind: str, seed: int, height: int = 120, width: int = 160) -> tuple[Task, Forged]:
    forgery = KINDS[kind]
    donor = photograph(height + 11, width - 7, seed + 1000) if forgery.needs_donor else None
    task = Task(photograph(height, width, seed), donor, SHARE)
    forged = forgery.make(task, np.random.default_rng(seed))
    assert forged is not None
    return task, forged


def first(kind: str, **facts: Any) -> tuple[Task, Forged]:
    """The first forgery of a kind that was made with these facts."""
    for seed in range(300):
        task, forged = made(kind, seed)
        if all(forged.facts.get(name) == value for name, value in facts.items()):
            return task, forged
    raise AssertionError(f"no {kind} with {facts}")


def deep(mask: NDArray[np.uint8], margin: int) -> NDArray[np.bool_]:
    """Pixels of the mask further than ``margin`` from its edge."""
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.MinFilter(2 * margin + 1))) > 0


def near(mask: NDArray[np.uint8], margin: int) -> NDArray[np.bool_]:
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.MaxFilter(2 * margin + 1))) > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(33, 47), (64, 64), (121, 83), (240, 320)])
def test_mask_covers_what_changed(kind: str, size: tuple[int, int]) -> None:
    for seed in range(6):
        task, forged = made(kind, seed, *size)
        assert forged.pixels.shape == task.base.shape
        assert forged.pixels.dtype == forged.mask.dtype == np.uint8
        assert forged.mask.shape == size
        assert set(np.unique(forged.mask)) == {0, 255}
        assert SHARE[0] <= (forged.mask > 0).mean() <= SHARE[1]
        changed = (forged.pixels != task.base).any(axis=2)
        assert not changed[~near(forged.mask, forged.facts["margin"])].any()
        assert changed[forged.mask > 0].mean() >= 0.5
        json.dumps(forged.facts, allow_nan=False)


@pytest.mark.parametrize("kind", KINDS)
def test_same_numbers_same_forgery(kind: str) -> None:
    _, one = made(kind, 3)
    _, again = made(kind, 3)
    _, other = made(kind, 4)
    assert np.array_equal(one.pixels, again.pixels)
    assert np.array_equal(one.mask, again.mask)
    assert one.facts == again.facts
    assert one.facts != other.facts


def test_the_base_and_the_donor_stay_as_they_are() -> None:
    for kind in KINDS:
        base, donor = photograph(90, 90, 1), photograph(90, 90, 2)
        kept = base.copy(), donor.copy()
        KINDS[kind].make(Task(base, donor, SHARE), np.random.default_rng(0))
        assert np.array_equal(base, kept[0])
        assert np.array_equal(donor, kept[1])


def looked_up(source: NDArray[np.uint8], transform: Any, where: NDArray[np.bool_]) -> Any:
    """Bilinear values of ``source`` at the places that the transform takes to ``where``."""
    rows, columns = np.nonzero(where)
    matrix = np.vstack([transform, [0, 0, 1]])
    x, y, _ = np.linalg.inv(matrix) @ np.stack([columns, rows, np.ones_like(rows)])
    x, y = np.clip(x, 0, source.shape[1] - 1.001), np.clip(y, 0, source.shape[0] - 1.001)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, down = (x - left)[:, None], (y - top)[:, None]
    upper = source[top, left] * (1 - right) + source[top, left + 1] * right
    lower = source[top + 1, left] * (1 - right) + source[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def test_copy_move_is_where_its_transform_says() -> None:
    turned = mirrored = 0
    for seed in range(40):
        task, forged = made("copy-move", seed, 160, 200)
        if forged.facts["blending"] != "hard":
            continue
        inside = deep(forged.mask, 2)
        expected = looked_up(task.base, forged.facts["transform"], inside)
        error = np.abs(forged.pixels[inside] - expected)
        if forged.facts["interpolation"] == "none":
            assert error.max() < 1e-6
        else:
            turned += 1
            mirrored += forged.facts["mirrored"]
            # Bicubic against bilinear differ by grain; a wrong transform by the picture.
            wrong = np.abs(task.base[inside] - expected)
            assert error.mean() < 3 < wrong.mean() / 2
        assert 0.7 <= forged.facts["scale"] <= 1.4
    assert turned >= 3
    assert mirrored >= 1


def test_splice_without_matching_holds_the_donors_pixels() -> None:
    as_it_is = {"colour_matching": 0.0, "noise_matching": 0.0, "interpolation": "none"}
    seen = 0
    for seed in range(60):
        task, forged = made("splice", seed)
        kept = forged.facts["blending"] in ("hard", "feathered")
        if not kept or any(forged.facts[name] != value for name, value in as_it_is.items()):
            continue
        assert task.donor is not None
        inside = deep(forged.mask, forged.facts["margin"])
        expected = looked_up(task.donor, forged.facts["transform"], inside)
        assert np.abs(forged.pixels[inside] - expected).max(initial=0) < 1e-6
        seen += int(inside.sum())
    assert seen > 500


def test_colour_matching_moves_the_part_towards_its_surroundings() -> None:
    from trainer.corpus.forging.matching import match_colour

    base = np.full((60, 60, 3), (180, 120, 60), np.uint8)
    source = photograph(60, 60, 1)
    region = np.zeros((60, 60), np.uint8)
    region[20:40, 20:40] = 255
    means = [
        match_colour(source, base, region, strength)[region > 0].mean(axis=0)
        for strength in (0.0, 0.5, 1.0)
    ]
    distances = [float(np.abs(mean - base[0, 0]).sum()) for mean in means]
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 8


@pytest.mark.parametrize(("have", "want"), [(2, 9), (9, 2)])
def test_noise_matching_moves_the_grain_towards_its_surroundings(have: float, want: float) -> None:
    from trainer.corpus.forging.matching import match_noise, noise_level

    random = np.random.default_rng(1)
    flat = np.full((80, 80, 1), 128.0)
    source, base = (
        np.repeat(np.clip(flat + random.normal(0, sigma, flat.shape), 0, 255), 3, axis=2).astype(
            np.uint8
        )
        for sigma in (have, want)
    )
    everywhere = np.ones((80, 80), np.bool_)
    assert noise_level(source, everywhere) == pytest.approx(have, rel=0.15)
    region = np.zeros((80, 80), np.uint8)
    region[20:60, 20:60] = 255
    matched = match_noise(source, base, region, 1.0, random)
    before, after = (np.std(one.astype(float)[..., 0]) - want for one in (source, matched))
    assert abs(after) < abs(before) * 0.6


@pytest.mark.parametrize("method", ["Telea", "Navier-Stokes"])
def test_filling_changes_the_mask_alone(method: str) -> None:
    task, forged = first("removal", method=method)
    outside = forged.mask == 0
    assert np.array_equal(forged.pixels[outside], task.base[outside])
    assert forged.facts["margin"] == 0


def test_covering_takes_a_part_from_beside_the_hole() -> None:
    task, forged = first("removal", method="patch", blending="feathered")
    inside = deep(forged.mask, forged.facts["margin"])
    assert inside.any()
    expected = looked_up(task.base, forged.facts["transform"], inside)
    assert np.abs(forged.pixels[inside] - expected).max() < 1e-6


def test_retouch_is_the_named_filter() -> None:
    task, forged = first("retouch", method="median")
    filtered = Image.fromarray(task.base).filter(ImageFilter.MedianFilter(forged.facts["side"]))
    inside = deep(forged.mask, forged.facts["margin"])
    inside[:8], inside[-8:], inside[:, :8], inside[:, -8:] = False, False, False, False
    assert inside.any()
    assert np.array_equal(forged.pixels[inside], np.asarray(filtered)[inside])


def test_opaque_overlay_has_the_named_colour() -> None:
    _, forged = first("overlay", opacity=1.0, drawing="disc")
    inside = deep(forged.mask, 1)
    assert inside.any()
    assert (forged.pixels[inside] == forged.facts["colour"]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(9, 25), (16, 300), (500, 16)])
@pytest.mark.parametrize("share", [(0.002, 0.01), (0.01, 0.3), (0.25, 0.5)])
def test_what_does_not_fit_gives_nothing_or_a_true_mask(
    kind: str, size: tuple[int, int], share: tuple[float, float]
) -> None:
    for seed in range(2):
        task = Task(photograph(*size, seed), photograph(20 + 40 * seed, 33, 9), share)
        forged = KINDS[kind].make(task, np.random.default_rng(seed))
        if forged is not None:
            assert share[0] <= (forged.mask > 0).mean() <= share[1]
            changed = (forged.pixels != task.base).any(axis=2)
            assert not changed[~near(forged.mask, forged.facts["margin"])].any()


def test_an_empty_picture_cannot_be_altered_by_itself() -> None:
    flat = np.full((80, 80, 3), 99, np.uint8)
    for kind in ("copy-move", "removal"):
        assert KINDS[kind].make(Task(flat, None, SHARE), np.random.default_rng(1)) is None


def test_the_first_save_is_a_jpeg_save_on_the_recorded_grid() -> None:
    pixels = scene(90, 110)
    ranges = ForgeRange(side=(110, 110), quality=(60, 90), first_save=0.7, shifted_grid=0.5)
    random = np.random.default_rng(1)
    offsets = set()
    unsaved = 0
    for _ in range(40):
        result, save = known_history(pixels, ranges, random)
        assert (save.width, save.height) == (110, 90)
        if save.quality is None or save.subsampling is None:
            unsaved += 1
            assert np.array_equal(result, pixels)
            continue
        again = pillow_round_trip(pixels, save.quality, save.subsampling)
        assert np.array_equal(result, again[save.grid_top :, save.grid_left :])
        offsets.add((save.grid_left, save.grid_top))
    assert 4 < unsaved < 22
    assert len(offsets) > 5
    assert (0, 0) in offsets


def test_pictures_are_reduced_and_never_enlarged() -> None:
    ranges = ForgeRange(side=(60, 90), first_save=0)
    random = np.random.default_rng(1)
    sides = {known_history(scene(100, 200), ranges, random)[0].shape[1] for _ in range(50)}
    assert min(sides) >= 60
    assert max(sides) <= 90
    assert len(sides) > 15
    assert known_history(scene(40, 50), ranges, random)[0].shape == (40, 50, 3)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "more").mkdir()
    for number in range(5):
        name = f"more/{number}.webp" if number % 2 else f"{number}.png"
        options = {"lossless": True} if number % 2 else {}
        Image.fromarray(photograph(100, 140, number)).save(folder / name, **options)
    return folder


def plan(folder: Path, seed: int = 1, kinds: tuple[Forgery, ...] = FORGERIES) -> Plan:
    found, _ = read_photographs(folder)
    return Plan(tuple(found), tuple(found), kinds, ForgeRange(side=(64, 140)), seed)


def test_a_pair_does_not_depend_on_names_nor_order(photographs: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted(photographs.rglob("*.*"), reverse=True)):
        (tmp_path / f"{number} renamed").write_bytes(path.read_bytes())
    shuffled = plan(tmp_path)
    shuffled = Plan(
        shuffled.bases[::-1], shuffled.donors[::-1], FORGERIES, shuffled.ranges, shuffled.seed
    )
    original = plan(photographs)
    for number in (7, 0, 3):
        one, other = original.make(number), shuffled.make(number)
        assert one is not None
        assert other is not None
        assert np.array_equal(one.forged.pixels, other.forged.pixels)
        assert np.array_equal(one.untouched, other.untouched)
        assert one.forged.facts == other.forged.facts
        assert one.base.sha256 == other.base.sha256
        assert one.base.name != other.base.name


def test_every_base_comes_once_in_a_round_and_kinds_take_turns(photographs: Path) -> None:
    pairs = [plan(photographs).make(number) for number in range(10)]
    bases = [pair.base.sha256 for pair in pairs if pair]
    assert len(set(bases[:5])) == len(set(bases[5:])) == 5
    assert [pair.kind for pair in pairs if pair] == [*KINDS, *KINDS]
    for pair in pairs:
        assert pair is not None
        assert (pair.donor is not None) == (pair.kind == "splice")
        assert pair.donor is None or pair.donor.sha256 != pair.base.sha256


def test_the_donors_grid_is_where_the_record_says(photographs: Path) -> None:
    """Steps between columns are largest where the donor's coarse blocks meet."""
    found, _ = read_photographs(photographs)
    ranges = ForgeRange(
        side=(140, 140), quality=(5, 8), first_save=1, shifted_grid=1, share=(0.1, 0.4)
    )
    splices = Plan(tuple(found), tuple(found), choose_kinds(["splice"]), ranges, 5)
    seen = 0
    for number in range(60):
        pair = splices.make(number)
        if pair is None:
            continue
        facts = pair.forged.facts
        if facts["interpolation"] != "none" or facts["blending"] not in ("hard", "feathered"):
            assert facts["interpolation"] == "none" or facts["donor_grid"] is None
            continue
        inside = deep(pair.forged.mask, max(facts["margin"], 1))
        if inside.sum() < 800 or facts["noise_matching"]:
            continue
        grey = pair.forged.pixels.astype(int).sum(axis=2)
        for axis, where in ((1, 0), (0, 1)):
            steps = np.abs(np.diff(grey, 1, axis=axis))
            both = inside[:, 1:] & inside[:, :-1] if axis else inside[1:] & inside[:-1]
            index = np.nonzero(both)[axis] + 1
            strength = [steps[both][index % 8 == phase].mean() for phase in range(8)]
            assert int(np.argmax(strength)) == facts["donor_grid"][where]
        seen += 1
    assert seen >= 2


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_forge(parser.add_subparsers())
    options = parser.parse_args(["forge", *map(str, words)])
    return int(options.run(options))


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_is_whole_and_the_same_every_time(photographs: Path, tmp_path: Path) -> None:
    options = ("--count", "10", "--side", "64", "140", "--licence", "CC0")
    for name in ("one", "two"):
        assert run(photographs, "--to", tmp_path / name, *options) == 0
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in files}
        for name in ("one", "two")
        for files in [[p for p in (tmp_path / name).rglob("*") if p.is_file()]]
    )
    assert one == two
    rows = rows_of(tmp_path / "one")
    assert list(rows[0]) == [
        "path", "label", "group", "mask", "generator", "licence", "kind", "sha256",
    ]  # fmt: skip
    listed = {Path(row[column]) for row in rows for column in ("path", "mask") if row[column]}
    assert listed | {Path("manifest.csv"), Path("history.jsonl")} == set(one)
    sources = {hashlib.sha256(p.read_bytes()).hexdigest()[:16] for p in photographs.rglob("*.*")}
    for row in rows:
        assert row["sha256"] == hashlib.sha256(one[Path(row["path"])]).hexdigest()
        assert row["licence"] == "CC0"
        assert set(row["group"].split(";")) <= sources
        assert len(row["group"].split(";")) == 1 + (row["kind"] == "splice")
    histories = [json.loads(line) for line in one[Path("history.jsonl")].splitlines()]
    assert [h["path"] for h in histories] == [row["path"] for row in rows]
    assert [h["sha256"] for h in histories] == [row["sha256"] for row in rows]
    for untouched, tampered in zip(rows[::2], rows[1::2], strict=True):
        assert (untouched["label"], untouched["kind"]) == ("authentic", "authentic")
        assert tampered["label"] == "tampered"
        assert untouched["group"] == tampered["group"].split(";")[0]
        before, after, mask = (
            np.asarray(Image.open(tmp_path / "one" / name))
            for name in (untouched["path"], tampered["path"], tampered["mask"])
        )
        history = histories[rows.index(tampered)]
        assert history["forgery"]["kind"] == tampered["kind"]
        margin = history["forgery"]["margin"]
        assert np.array_equal(before[~near(mask, margin)], after[~near(mask, margin)])
        assert set(np.unique(mask)) == {0, 255}


def test_a_last_save_is_the_same_for_both_of_a_pair(photographs: Path, tmp_path: Path) -> None:
    assert run(photographs, "--to", tmp_path / "x", "--count", "4", "--save", "jpeg") == 0
    rows = rows_of(tmp_path / "x")
    tables = []
    for row in rows:
        with Image.open(tmp_path / "x" / row["path"]) as image:
            assert image.format == "JPEG"
            layers = [component[1:3] for component in getattr(image, "layer", [])]
            tables.append((getattr(image, "quantization", None), layers))
    assert tables[::2] == tables[1::2]
    assert tables[0] != tables[2]


def test_a_sheet_comes_with_the_forgeries(photographs: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert run(photographs, "--to", tmp_path / "x", "--count", "3", "--sheet", sheet) == 0
    with Image.open(sheet) as image:
        assert image.format == "PNG"
        assert image.width > 6 * 260


def test_unreadable_files_are_left_out_with_a_sentence(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    good = sorted(photographs.rglob("*.png"))[:2]
    for path in good:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "again.png").write_bytes(good[0].read_bytes())
    (folder / "torn.png").write_bytes(good[0].read_bytes()[:500])
    (folder / "line\nend.txt").write_text("no picture")
    Image.new("RGB", (2, 2)).save(folder / "tiny.png")
    assert run(folder, "--to", tmp_path / "x", "--count", "4") == 0
    said = capsys.readouterr().out.splitlines()
    left_out = [line for line in said if line.startswith("Left out: ")]
    assert len(left_out) == 3
    assert any(line.startswith("Left out: line\\nend.txt: ") for line in left_out)
    assert len({row["group"].split(";")[0] for row in rows_of(tmp_path / "x")}) == 2


def test_refusals(photographs: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    alone = tmp_path / "alone"
    alone.mkdir()
    Image.fromarray(photograph(80, 80, 1)).save(alone / "a.png")
    both = tmp_path / "both"
    both.mkdir()
    Image.fromarray(photograph(80, 80, 2)).save(both / "b.png")
    (both / "a.png").write_bytes((alone / "a.png").read_bytes())
    empty = tmp_path / "empty"
    empty.mkdir()
    link = tmp_path / "link"
    link.symlink_to(photographs)
    to = ("--to", tmp_path / "x", "--count", "1")
    cases: list[tuple[tuple[str | Path, ...], str]] = [
        ((photographs, "--to", photographs / "x", "--count", "1"), "one within the other"),
        ((photographs, "--to", link / "x", "--count", "1"), "one within the other"),
        ((photographs, "--to", photographs.parent, "--count", "1"), "one within the other"),
        ((alone, "--donors", photographs, "--to", photographs / "x", "--count", "1"), "within"),
        ((photographs, "--to", full, "--count", "1"), "not empty"),
        ((photographs, "--to", full / "mine.txt", "--count", "1"), "not a folder"),
        ((tmp_path / "none", *to), "no folder"),
        ((empty, *to), "no usable picture"),
        ((alone, *to), "two different photographs"),
        ((both, "--donors", alone, *to), "two different photographs"),
        ((photographs, *to, "--kinds", "splice,magic"), "magic"),
        ((photographs, *to, "--kinds", ""), "Kinds of forgery"),
        ((photographs, *to, "--side", "900", "300"), "side"),
        ((photographs, *to, "--area", "1", "90"), "share"),
        ((photographs, *to, "--area", "nan", "20"), "share"),
        ((photographs, "--to", tmp_path / "x", "--count", "0"), "count"),
    ]
    for words, part in cases:
        with pytest.raises(CorpusError) as refusal:
            run(*words)
        assert part in refusal.value.sentence
    assert not (tmp_path / "x").exists()
    assert not (photographs / "x").exists()
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    picture = (alone / "a.png").read_bytes()
    with pytest.raises(NotWrittenError):
        run(alone, *to, "--kinds", "retouch", "--sheet", alone / "a.png")
    assert (alone / "a.png").read_bytes() == picture
    assert not (tmp_path / "x").exists()
    assert run(alone, *to, "--kinds", "retouch") == 0


def test_an_interruption_leaves_a_manifest_of_what_is_finished(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = forged_folder.write_bytes

    def interrupted(target: Path, data: bytes) -> None:
        if target.name == "000003.png" and target.parent.name == "tampered":
            raise KeyboardInterrupt
        real(target, data)

    monkeypatch.setattr(forged_folder, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(photographs, "--to", tmp_path / "x", "--count", "50")
    rows = rows_of(tmp_path / "x")
    assert len(rows) == 6
    listed = {row[column] for row in rows for column in ("path", "mask") if row[column]}
    pictures = {
        path.relative_to(tmp_path / "x").as_posix() for path in (tmp_path / "x").rglob("*.png")
    }
    assert pictures == listed
    assert len((tmp_path / "x" / "history.jsonl").read_text().splitlines()) == 6


def test_a_full_disk_leaves_no_half_pair(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = forged_folder.write_bytes

    def full(target: Path, data: bytes) -> None:
        if target.name == "000001.png" and target.parent.name == "authentic":
            raise NotWrittenError("No space left on device.")
        real(target, data)

    monkeypatch.setattr(forged_folder, "write_bytes", full)
    with pytest.raises(NotWrittenError):
        run(photographs, "--to", tmp_path / "x", "--count", "5")
    assert len(rows_of(tmp_path / "x")) == 2
    assert len(list((tmp_path / "x").rglob("*.png"))) == 3


def test_the_program_reads_what_it_forged(tmp_path: Path) -> None:
    """Kinds and sources come back, so that a split can keep base and donor together."""
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for number in range(3):
        content = encoded(scene(300, 400, number), "PNG")
        (photographs / f"{number}.png").write_bytes(content)
    target = tmp_path / "forged"
    arguments = ["forge", str(photographs), "--to", str(target), "--count", "6", "--side"]
    assert main([*arguments, "200", "260", "--kinds", "splice,copy-move"]) == 0
    corpus = read_corpus(target)
    rows = {target / row["path"]: row for row in rows_of(target)}
    assert {example.path for example in corpus.examples} == set(rows)
    for example in corpus.examples:
        row = rows[example.path]
        assert example.sources == frozenset(row["group"].split(";"))
        assert example.kind == (row["kind"] if row["label"] == "tampered" else "authentic")
        assert example.label == (row["label"] == "tampered")
    assert {example.kind for example in corpus.examples} == {"authentic", "splice", "copy-move"}
