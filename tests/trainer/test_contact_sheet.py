"""Contact sheets: every picture and label is on them, and ELA is shown at one gain."""

import argparse
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import NotWrittenError
from tests.pictures import pillow_residual, scene
from tests.trainer.corpus import write_casia1
from trainer.commands.forge import add_show_augment
from trainer.corpus.resave import resave
from trainer.drawing.augment_sheet import GAIN, augment_sheet
from trainer.drawing.contact_sheet import Cell, contact_sheet, fitted, png
from trainer.errors import CorpusError
from trainer.recipes import classic_cnn, smoke


def plain(colour: tuple[int, int, int], height: int = 50, width: int = 100) -> Cell:
    return Cell(np.full((height, width, 3), colour, np.uint8), "a label\nwith two lines")


def count(sheet: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((sheet == colour).all(axis=2).sum())


def test_every_picture_is_fitted_into_its_square() -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    rows = [[plain(colours[0]), plain(colours[1], 400, 200)], [plain(colours[2], 3, 3)]]
    sheet = contact_sheet("Title", rows, side=100)
    sizes = [(50, 100), (100, 50), (100, 100)]
    for colour, (height, width) in zip(colours, sizes, strict=True):
        assert count(sheet, colour) == height * width
    above = np.nonzero((sheet == colours[0]).all(axis=2))[0].max()
    below = np.nonzero((sheet == colours[2]).all(axis=2))[0].min()
    between = sheet[above + 1 : below]
    assert count(between, (250, 250, 250)) < between.shape[0] * between.shape[1]  # the labels


def test_long_and_odd_labels_stay_below_their_picture() -> None:
    odd = Cell(np.zeros((40, 40, 3), np.uint8), "x" * 300 + " \x1b[31m\u202egnp\udcff")
    sheet = contact_sheet("T\nitle", [[odd, plain((1, 2, 3))]], ["note " * 100], side=80)
    below = np.nonzero((sheet == 0).all(axis=2))[0].max() + 1
    gap = sheet[below : below + 40, 12 + 80 : 12 + 80 + 12]
    assert (gap == 250).all()


def test_an_empty_sheet_and_a_wide_picture() -> None:
    assert contact_sheet("Nothing", []).shape[2] == 3
    assert fitted(np.zeros((1, 5000, 3), np.uint8), 100).shape == (1, 100, 3)


def test_a_sheet_survives_its_file() -> None:
    sheet = contact_sheet("Title", [[plain((9, 8, 7))]])
    with Image.open(io.BytesIO(png(sheet))) as image:
        assert np.array_equal(np.asarray(image), sheet)


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_show_augment(parser.add_subparsers())
    options = parser.parse_args(["show-augment", *map(str, words)])
    return int(options.run(options))


def test_a_row_for_each_picture_of_a_corpus(tmp_path: Path) -> None:
    corpus = write_casia1(tmp_path / "casia", 6)
    one, four = (augment_sheet(corpus, number, smoke())[0] for number in (1, 4))
    head = contact_sheet("Title", []).shape[0]
    assert one.shape[1] == four.shape[1] == 12 + 9 * 212
    assert abs(four.shape[0] - head - 4 * (one.shape[0] - head)) < 200
    again, _ = augment_sheet(corpus, 4, smoke())
    assert np.array_equal(again, four)


def test_ela_is_shown_at_the_fixed_gain(tmp_path: Path) -> None:
    """The picture's mean is that of an independent residual times the gain."""
    pixels = scene(180, 200)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    recipe = classic_cnn()
    sheet, _ = augment_sheet(tmp_path, 1, recipe)
    digest = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    saved, history = resave(pixels, recipe.resave, recipe.seed, digest, 0)
    levels = pillow_residual(saved, recipe.ela_quality, recipe.ela_subsampling).astype(float)
    left = 12 + 2 * 212
    column = sheet[:, left : left + 200]
    top = 2 * 12 + 24 + 200 - 180  # the pictures of a row stand on one line
    shown = column[top : top + 180]
    assert history.width > 200
    assert shown.mean() == pytest.approx(min(levels.mean() * GAIN, 255), rel=0.1)


def test_the_command_writes_a_sheet_and_names_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    (folder / "masks").mkdir(parents=True)
    Image.fromarray(scene(60, 80)).save(folder / "b.jpg")
    Image.fromarray(scene(60, 80)).save(folder / "masks" / "b.png")
    (folder / "a<b>.jpg").write_bytes(b"\xff\xd8\xff torn")
    (folder / "manifest.csv").write_text("path\n")
    target = tmp_path / "sheet.png"
    assert run(folder, "--output", target, "--count", "5", "--recipe", "smoke") == 0
    said = capsys.readouterr().out
    assert said.count("Left out: a<b>.jpg") == 1
    assert "manifest" not in said
    with Image.open(target) as image:
        assert image.height < 500  # one row: the mask is no picture


def test_show_augment_refusals(tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    (tmp_path / "empty").mkdir()
    Image.fromarray(scene(60, 80)).save(tmp_path / "a.png")
    for words, part in (
        ((tmp_path / "none", "--output", target), "no folder"),
        ((tmp_path / "empty", "--output", target), "no usable picture"),
        ((tmp_path, "--output", target, "--count", "0"), "count"),
    ):
        with pytest.raises(CorpusError) as refusal:
            run(*words)
        assert part in refusal.value.sentence
    evidence = (tmp_path / "a.png").read_bytes()
    with pytest.raises(NotWrittenError):
        run(tmp_path, "--output", tmp_path / "a.png", "--recipe", "smoke")
    assert (tmp_path / "a.png").read_bytes() == evidence
    assert not target.exists()
