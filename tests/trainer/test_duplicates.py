"""Duplicates: a perceptual hash that survives saving, and pairs found without comparing all."""

import itertools
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.trainer.corpus import photograph, write_tree
from trainer.corpus import Example
from trainer.corpus.casia import list_casia1
from trainer.corpus.duplicates import (
    NEAR,
    exact_duplicates,
    near_duplicates,
    near_pairs,
    perceptual_hash,
)
from trainer.corpus.read import read_corpus


def hash_of(pixels: np.ndarray) -> int:
    value = perceptual_hash(pixels)
    assert value is not None
    return value


def test_hash_is_the_signs_of_the_lowest_frequencies() -> None:
    """Against a cosine sum written out, on a picture that needs no reduction."""
    grey = np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)
    n = np.arange(32)
    low = np.array(
        [
            (
                grey
                * np.outer(np.cos((n + 0.5) * v * np.pi / 32), np.cos((n + 0.5) * u * np.pi / 32))
            ).sum()
            # The transform is orthonormal: the frequency 0 weighs less by the root of 2.
            * (np.sqrt(0.5) if u == 0 or v == 0 else 1)
            for v, u in itertools.product(range(8), range(8))
        ][1:]
    )
    expected = int("0" + "".join("01"[int(x > np.median(low))] for x in low), 2)
    assert hash_of(np.repeat(grey[:, :, None], 3, axis=2)) == expected


@pytest.mark.parametrize("seed", range(5))
def test_saved_scaled_and_brightened_pictures_stay_near_and_others_are_far(
    seed: int, tmp_path: Path
) -> None:
    pixels = photograph(seed)
    Image.fromarray(pixels).save(tmp_path / "saved.jpg", quality=50)
    versions = (
        np.asarray(Image.open(tmp_path / "saved.jpg")),
        cv2.resize(pixels, (200, 150), interpolation=cv2.INTER_CUBIC),
        np.clip(pixels * 0.9 + 10, 0, 255).astype(np.uint8),
    )
    for version in versions:
        assert (hash_of(pixels) ^ hash_of(version)).bit_count() <= NEAR
    for other in (photograph(seed + 100), pixels[::-1], pixels[:, ::-1]):
        assert (hash_of(pixels) ^ hash_of(np.ascontiguousarray(other))).bit_count() > 2 * NEAR


def test_picture_without_structure_has_no_hash() -> None:
    assert perceptual_hash(np.full((60, 80, 3), 128, np.uint8)) is None


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 2**64 - 1)), max_size=20),
    st.lists(st.tuples(st.integers(0, 19), st.lists(st.integers(0, 63), max_size=9)), max_size=20),
    st.integers(0, 9),
)
def test_pairs_are_those_that_comparing_all_finds(
    hashes: list[int | None], changes: list[tuple[int, list[int]]], distance: int
) -> None:
    for index, bits in changes:
        value = hashes[index] if index < len(hashes) else None
        if value is not None:
            for bit in bits:
                value ^= 1 << bit
            hashes.append(value)
    expected = [
        (i, j)
        for (i, a), (j, b) in itertools.combinations(enumerate(hashes), 2)
        if a is not None and b is not None and bin(a ^ b).count("1") <= distance
    ]
    assert near_pairs(hashes, distance) == expected


def test_equal_and_near_files_are_grouped_and_sources_can_explain_them(tmp_path: Path) -> None:
    root = write_tree(tmp_path)
    beach = root / "authentic" / "beach.jpg"
    shutil.copyfile(beach, root / "authentic" / "copy.jpg")
    with Image.open(beach) as picture:
        picture.save(root / "authentic" / "resaved.webp", quality=80)
        picture.resize((256, 192)).save(root / "tampered" / "beach.jpg", quality=80)
    examples = read_corpus(root).examples

    def names(groups: list[tuple[Example, ...]]) -> list[list[str]]:
        return [[e.path.relative_to(root).as_posix() for e in group] for group in groups]

    assert names(exact_duplicates(examples)) == [["authentic/beach.jpg", "authentic/copy.jpg"]]
    everything = ["authentic/beach.jpg", "authentic/resaved.webp", "tampered/beach.jpg"]
    assert names(near_duplicates(examples)) == [everything]
    assert names(near_duplicates(examples[::-1])) == [everything]
    # Beach and its altered version share a source by name; the re-saved copy does not.
    without = [e for e in examples if e.path.name != "resaved.webp"]
    assert near_duplicates(without, across_sources=True) == []
    assert names(near_duplicates(examples, across_sources=True)) == [everything]


@pytest.mark.data
def test_misspelt_source_of_casia1_is_found(shared_data: Path) -> None:
    """``ant0063`` in a forgery's name is ``nat0063``: the only near pair that names do not tell."""
    examples = [
        Example(item.path, item.path.name, 0, item.kind, item.sources)
        for item in list_casia1(shared_data / "casia1").pictures
        if any(source[:3] in ("nat", "ant") for source in item.sources)
    ]
    groups = near_duplicates(examples, across_sources=True)
    assert [[e.path.name for e in group] for group in groups] == [
        ["Au_nat_0063.jpg", "Sp_D_NRN_A_ant0063_nat0065_0443.jpg"]
    ]
