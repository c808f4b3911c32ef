"""Prepared images: the chain, the cache on disk, what makes an entry again, masks."""

import dataclasses
import gc
import hashlib
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from app.analysis.recompress import encoder_identity
from app.detection.card import Preparation
from app.detection.prepare import prepare
from app.errors import NotWrittenError
from tests.trainer.corpus import photograph, write_mask
from trainer.corpus import Example
from trainer.corpus.resave import ResaveRange, resave
from trainer.errors import CorpusError
from trainer.training import prepared
from trainer.training.prepared import Chain, MemorySet, prepare_draw, prepare_set, sample

PREPARATION = Preparation(
    ("ela", "rgb"), 24, 32, 90, "4:2:0", "area_mean", encoder_identity().fingerprint
)
CHAIN = Chain(PREPARATION, ResaveRange(longer_side=(96, 160)), 0.0, 7)


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    """Three authentic pictures, one forgery with its mask, one without."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    mask = write_mask(folder / "masks" / "3.png")
    found = []
    for number in range(5):
        path = folder / f"{number}.png"
        Image.fromarray(photograph(number)).save(path)
        found.append(
            Example(
                path,
                hashlib.sha256(path.read_bytes()).hexdigest(),
                int(number > 2),
                "splice" if number > 2 else "authentic",
                frozenset(),
                mask=mask if number == 3 else None,
            )
        )
    return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is prepared and not read, as (identity, draw)."""
    seen: list[tuple[str, int]] = []

    def counted(pixels: object, identity: str, draw: int, *rest: object) -> object:
        seen.append((identity, draw))
        return prepare_draw(pixels, identity, draw, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(prepared, "prepare_draw", counted)
    return seen


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_a_draw_is_the_save_pipeline_and_the_programs_own_preparation() -> None:
    pixels = photograph(1)
    image, mask = prepare_draw(pixels, "ab", 2, CHAIN)
    assert CHAIN.resave is not None
    expected = prepare(resave(pixels, CHAIN.resave, 7, "ab", 2)[0], PREPARATION)
    assert image.dtype == np.float16
    assert mask is None
    assert np.array_equal(image, expected.astype(np.float16))
    published, _ = prepare_draw(pixels, "ab", 2, dataclasses.replace(CHAIN, resave=None))
    assert np.array_equal(published, prepare(pixels, PREPARATION).astype(np.float16))


def test_crops_come_after_the_last_save_half_of_them_on_the_grid() -> None:
    """The place of a crop is read off a picture whose colours say where a pixel was."""
    rows, columns = np.indices((160, 240), dtype=np.uint8)
    pixels = np.stack([rows, columns, np.zeros_like(rows)], axis=2)
    size = Preparation(("rgb",), 140, 210, 90, "4:2:0", "area_mean", "")
    chain = Chain(size, None, 0.5, 3)
    places = []
    for draw in range(200):
        image, _ = prepare_draw(pixels, "ab", draw, chain)
        again, _ = prepare_draw(pixels, "ab", draw, chain)
        assert np.array_equal(image, again)
        # A crop keeps every pixel; the whole picture was reduced.
        if image[0, -1, 0] - image[0, 0, 0] == 139:
            places.append((int(image[0, 0, 0]), int(image[1, 0, 0])))
    # 200 binomial draws of one half, and of these again one half: four standard deviations.
    assert 72 <= len(places) <= 128
    aligned = [place for place in places if place[0] % 8 == 0 and place[1] % 8 == 0]
    assert abs(len(aligned) - len(places) / 2) < 4 * np.sqrt(len(places)) / 2
    assert all(top % 16 == 0 and left % 16 == 0 for top, left in aligned)
    assert len(set(places)) > 20


def test_the_mask_is_cropped_and_reduced_like_its_picture() -> None:
    """A white square on black: the RGB planes show where it went, in the same units."""
    mask = np.zeros((160, 240), dtype=bool)
    mask[40:100, 50:130] = True
    pixels = np.repeat(mask[:, :, None].astype(np.uint8) * 255, 3, axis=2)
    small = Preparation(("rgb",), 40, 60, 90, "4:2:0", "area_mean", "")
    ranges = ResaveRange(longer_side=(96, 300), quality=(98, 98))
    for draw in range(6):
        chain = Chain(small, ranges, 0.5, 3)
        image, seen = prepare_draw(pixels, "ab", draw, chain, mask)
        assert seen is not None
        assert seen.shape == (40, 60)
        assert seen.dtype == np.float16
        assert np.abs(image[1] / 255 - seen).mean() < 0.02


def test_items_in_the_order_of_examples_and_draws(examples: list[Example], tmp_path: Path) -> None:
    data = prepare_set(examples, CHAIN, 3, tmp_path / "cache", "x")
    assert len(data) == 15
    assert data.examples == tuple(examples)
    assert data.labels.tolist() == [0.0] * 9 + [1.0] * 6
    for index in range(15):
        image, label, mask = data[index]
        pixels = np.asarray(Image.open(examples[index // 3].path))
        expected, _ = prepare_draw(pixels, examples[index // 3].sha256, index % 3, CHAIN)
        assert image.dtype == torch.float16
        assert np.array_equal(image.numpy(), expected)
        assert label == data.labels[index]
        assert label.shape == ()
        assert mask.shape == (0, 0)
    loaded = list(DataLoader(data, batch_size=4, num_workers=2))
    assert torch.equal(torch.cat([images for images, _, _ in loaded])[7], data[7][0])
    few = sample(data, 5)
    assert torch.equal(few, torch.stack([data[index][0] for index in (0, 3, 6, 9, 12)]))
    assert len(sample(data, 100)) == 15


def test_masks_are_known_zero_or_unknown(examples: list[Example], tmp_path: Path) -> None:
    data = prepare_set(examples, CHAIN, 2, tmp_path / "cache", "x", masks=True)
    without = prepare_set(examples, CHAIN, 2, tmp_path / "cache", "x")
    pixels = np.asarray(Image.open(examples[3].path))
    truth = np.zeros((96, 128), dtype=bool)
    truth[20:60, 30:70] = True
    for index in range(10):
        image, _, mask = data[index]
        assert mask.shape == (24, 32)
        assert torch.equal(image, without[index][0])
        if index < 6:
            assert (mask == 0).all()
        elif index < 8:
            _, expected = prepare_draw(pixels, examples[3].sha256, index - 6, CHAIN, truth)
            assert np.array_equal(mask.numpy(), expected)
            assert 0.08 < float(mask.float().mean()) < 0.18
        else:
            assert mask.isnan().all()


def test_a_full_cache_prepares_nothing(
    examples: list[Example], tmp_path: Path, made: list[tuple[str, int]]
) -> None:
    cache = tmp_path / "a" / "cache"
    first = prepare_set(examples, CHAIN, 2, cache, "x")
    assert len(made) == 10
    made.clear()
    again = prepare_set(examples[::-1], CHAIN, 2, cache, "x")
    assert made == []
    assert torch.equal(again[0][0], first[8][0])


def test_a_truncated_foreign_or_missing_entry_is_made_again(
    examples: list[Example], tmp_path: Path, made: list[tuple[str, int]]
) -> None:
    cache = tmp_path / "cache"
    before = prepare_set(examples, CHAIN, 1, cache, "x")
    files = entries(cache)
    whole = [file.read_bytes() for file in files]
    files[0].write_bytes(whole[0][:-1])
    files[1].write_bytes(whole[2])
    files[2].write_bytes(b"")
    files[3].unlink()
    made.clear()
    after = prepare_set(examples, CHAIN, 1, cache, "x")
    assert len(made) == 4
    assert [file.read_bytes() for file in files] == whole
    assert entries(cache) == files
    assert all(torch.equal(before[index][0], after[index][0]) for index in range(5))


@pytest.mark.parametrize(
    "change",
    [
        lambda chain: dataclasses.replace(chain, seed=8),
        lambda chain: dataclasses.replace(chain, crop=0.5),
        lambda chain: dataclasses.replace(chain, resave=None),
        lambda chain: dataclasses.replace(chain, resave=ResaveRange(longer_side=(96, 161))),
        lambda chain: dataclasses.replace(
            chain, preparation=dataclasses.replace(PREPARATION, quality=91)
        ),
        lambda chain: dataclasses.replace(
            chain, preparation=dataclasses.replace(PREPARATION, planes=("rgb", "ela"))
        ),
    ],
)
def test_whatever_decides_the_content_decides_the_entry(
    change: Callable[[Chain], Chain],
    examples: list[Example],
    tmp_path: Path,
    made: list[tuple[str, int]],
) -> None:
    cache = tmp_path / "cache"
    prepare_set(examples, CHAIN, 1, cache, "x")
    made.clear()
    prepare_set(examples, change(CHAIN), 1, cache, "x")
    assert len(made) == 5
    assert len(entries(cache)) == 10


def test_another_mask_makes_another_entry(
    examples: list[Example], tmp_path: Path, made: list[tuple[str, int]]
) -> None:
    cache = tmp_path / "cache"
    before = prepare_set(examples, CHAIN, 1, cache, "x", masks=True)[3][2]
    assert examples[3].mask is not None
    Image.fromarray(np.full((96, 128), 255, np.uint8)).save(examples[3].mask)
    made.clear()
    after = prepare_set(examples, CHAIN, 1, cache, "x", masks=True)[3][2]
    assert made == [(examples[3].sha256, 0)]
    assert float(before.float().mean()) < 0.2
    assert (after == 1).all()


def test_a_cancelled_preparation_is_gone_on_with(
    examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    calls: list[str] = []

    def interrupted(pixels: object, identity: str, *rest: object) -> object:
        calls.append(identity)
        if identity == examples[2].sha256:
            raise KeyboardInterrupt
        return prepare_draw(pixels, identity, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(prepared, "prepare_draw", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare_set(examples, CHAIN, 1, cache, "x")
    assert len(entries(cache)) < 5
    assert len(prepare_set(examples, CHAIN, 1, cache, "x")) == 5
    assert len(entries(cache)) == 5
    assert all(file.suffix == ".f16" for file in entries(cache))


def test_without_a_cache_a_temporary_folder_goes_with_the_object(
    examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    data = prepare_set(examples, CHAIN, 2, None, "x")
    assert len(entries(tmp_path / "temporary")) == 5
    # A loading process holds a copy, whose end must not take the files away.
    copy = pickle.loads(pickle.dumps(data))
    assert torch.equal(copy[3][0], data[3][0])
    del copy
    child = os.fork()
    if child == 0:
        del data
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    assert data[3][0].shape == (6, 24, 32)
    del data
    gc.collect()
    assert list((tmp_path / "temporary").iterdir()) == []
    broken = [dataclasses.replace(examples[0], path=tmp_path / "none.png")]
    with pytest.raises(CorpusError):
        prepare_set(broken, CHAIN, 2, None, "x")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_files_that_changed_broke_or_went_are_told_by_name(
    examples: list[Example], tmp_path: Path
) -> None:
    examples[0].path.write_bytes(examples[1].path.read_bytes())
    with pytest.raises(CorpusError, match=r"0\.png was changed"):
        prepare_set(examples[:1], CHAIN, 1, tmp_path / "cache", "x")
    broken = examples[1].path.read_bytes()[:300]
    examples[1].path.write_bytes(broken)
    example = dataclasses.replace(examples[1], sha256=hashlib.sha256(broken).hexdigest())
    with pytest.raises(CorpusError, match=r"1\.png: "):
        prepare_set([example], CHAIN, 1, tmp_path / "cache", "x")
    assert examples[3].mask is not None
    examples[3].mask.unlink()
    with pytest.raises(CorpusError, match=r"masks/3\.png: "):
        prepare_set(examples[3:], CHAIN, 1, tmp_path / "cache", "x", masks=True)


def test_a_cache_that_cannot_be_made_or_was_deleted_is_told(
    examples: list[Example], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotWrittenError, match="could not be made"):
        prepare_set(examples, CHAIN, 1, tmp_path / "file" / "cache", "x")
    data = prepare_set(examples, CHAIN, 1, tmp_path / "cache", "x")
    for file in entries(tmp_path / "cache"):
        file.unlink()
    with pytest.raises(CorpusError, match="deleted or damaged"):
        data[0]


def test_several_processes_fill_one_cache_without_waiting(
    examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two processes alone: it makes its share, then what nobody made."""
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    data = prepare_set(examples, CHAIN, 1, tmp_path / "cache", "x")
    monkeypatch.setenv("RANK", "0")
    other = prepare_set(examples, CHAIN, 1, tmp_path / "cache", "x")
    assert all(torch.equal(data[index][0], other[index][0]) for index in range(5))


def test_reading_is_much_cheaper_than_preparing(examples: list[Example], tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(examples[0].path))
    data = prepare_set(examples[:1], CHAIN, 8, tmp_path / "cache", "x")

    def quickest(work: Callable[[int], object]) -> float:
        times = []
        for draw in range(8):
            start = time.thread_time()
            work(draw)
            times.append(time.thread_time() - start)
        return min(times)

    read = quickest(lambda draw: data[draw])
    assert 5 * read < quickest(lambda draw: prepare_draw(pixels, "ab", draw, CHAIN))


def test_a_memory_set_has_the_same_interface() -> None:
    images = torch.rand(3, 2, 3, 8, 8) * 100
    masks = torch.rand(3, 2, 8, 8)
    data = MemorySet(images, torch.tensor([0, 1, 0]), masks)
    assert (len(data), data.draws) == (6, 2)
    assert data.labels.tolist() == [0, 0, 1, 1, 0, 0]
    image, label, mask = data[3]
    assert torch.equal(image, images[1, 1].half())
    assert label == 1
    assert torch.equal(mask, masks[1, 1].half())
    assert MemorySet(images, torch.tensor([0, 1, 0]))[3][2].shape == (0, 0)
