"""Augmentation: what moves and what must not, and the random numbers of the shipped models."""

import numpy as np
import pytest
import torch

from tests.pictures import pillow_residual, scene
from trainer.training.augment import augment, brighten, grid_crop, turn_quarters


def test_augmentation_only_flips_and_shifts() -> None:
    generator = torch.Generator().manual_seed(3)
    rows = torch.arange(20.0)[:, None] * 100 + torch.arange(20.0)
    images = rows.expand(64, 1, 20, 20).clone()
    flipped = augment(images, 0.0, generator)
    choices = [rows, rows.flip(0), rows.flip(1), rows.flip(0, 1)]
    counts = [sum(bool(torch.equal(image[0], choice)) for image in flipped) for choice in choices]
    assert sum(counts) == 64
    assert min(counts) > 4
    shifted = augment(images, 0.1, generator)
    assert shifted.shape == images.shape
    assert set(shifted.unique().tolist()) <= set(rows.unique().tolist())
    moved = sum(not any(torch.equal(image[0], choice) for choice in choices) for image in shifted)
    assert moved > 40


def test_random_numbers_come_in_the_order_of_the_shipped_models() -> None:
    """First one per image and direction for the flips, then all shifts down, then all aside."""
    images = torch.rand(9, 3, 12, 20, generator=torch.Generator().manual_seed(0)) * 9
    made = augment(images, 0.1, torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)
    flips = torch.rand(9, 2, 1, 1, 1, generator=generator).flatten(1).numpy() < 0.5
    tops = torch.randint(0, 3, (9,), generator=generator).tolist()
    lefts = torch.randint(0, 5, (9,), generator=generator).tolist()
    for image, result, flip, top, left in zip(images, made, flips, tops, lefts, strict=True):
        wanted = image.numpy()
        if flip[0]:
            wanted = wanted[:, :, ::-1]
        if flip[1]:
            wanted = wanted[:, ::-1]
        padded = np.pad(wanted, ((0, 0), (1, 1), (2, 2)), mode="edge")
        assert np.array_equal(padded[:, top : top + 12, left : left + 20], result.numpy())


def test_without_flips_and_shifts_nothing_changes_and_no_number_is_drawn() -> None:
    images = torch.rand(3, 1, 8, 8)
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    assert torch.equal(augment(images, 0.0, generator, flips=False), images)
    assert torch.equal(generator.get_state(), before)


def test_what_is_optional_draws_after_what_is_not() -> None:
    images = torch.rand(6, 3, 8, 8) * 255
    plain = augment(images, 0.2, torch.Generator().manual_seed(2))
    more = augment(
        images,
        0.2,
        torch.Generator().manual_seed(2),
        quarter_turns=True,
        brightness=0.5,
        rgb_channels=(1,),
    )
    for one, other in zip(plain.numpy(), more.numpy(), strict=True):
        assert any(np.array_equal(np.rot90(one[0], times), other[0]) for times in range(4))


@pytest.mark.parametrize(("size", "turns"), [((10, 10), range(4)), ((6, 10), (0, 2))])
def test_quarter_turns(size: tuple[int, int], turns: tuple[int, ...]) -> None:
    picture = torch.arange(size[0] * size[1]).reshape(1, *size).float()
    turned = turn_quarters(picture.expand(64, *picture.shape), torch.Generator().manual_seed(1))
    choices = [np.rot90(picture[0].numpy(), times) for times in turns]
    counts = [sum(np.array_equal(one[0], choice) for one in turned.numpy()) for choice in choices]
    assert sum(counts) == 64
    assert min(counts) > 4


def test_brightness_leaves_ela_planes_alone() -> None:
    images = torch.full((50, 6, 4, 4), 100.0)
    lit = brighten(images, 0.3, (3, 4, 5), torch.Generator().manual_seed(1))
    assert torch.equal(lit[:, :3], images[:, :3])
    factors = lit[:, 3:] / 100
    assert torch.equal(factors.amin(dim=(1, 2, 3)), factors.amax(dim=(1, 2, 3)))
    assert 0.7 <= float(factors.min()) < 0.8
    assert 1.2 < float(factors.max()) <= 1.3
    assert float(brighten(images * 2.5, 0.3, (0,), torch.Generator()).max()) <= 255
    assert torch.equal(brighten(images, 0.3, (), torch.Generator()), images)


def test_a_crop_on_the_grid_keeps_its_error_levels_and_one_off_the_grid_does_not() -> None:
    pixels = scene(120, 160)
    whole = pillow_residual(pixels, 80, "4:4:4")
    random = np.random.default_rng(4)
    for aligned in (True, False):
        for _ in range(20):
            part, crop = grid_crop(pixels, 64, 72, random, aligned=aligned)
            assert part.shape == (64, 72, 3)
            assert crop.aligned == aligned
            here = slice(crop.top, crop.top + 64), slice(crop.left, crop.left + 72)
            assert np.array_equal(part, pixels[here])
            same = np.array_equal(pillow_residual(part, 80, "4:4:4"), whole[here])
            assert same == aligned


def test_crops_use_the_room_there_is() -> None:
    random = np.random.default_rng(1)
    pixels = scene(40, 40)
    part, crop = grid_crop(pixels, 64, 64, random, aligned=False)
    assert np.array_equal(part, pixels)
    assert crop.aligned  # no room to leave the grid
    places = [grid_crop(pixels, 8, 8, random, aligned=True, unit=16)[1] for _ in range(60)]
    assert {crop.left for crop in places} == {crop.top for crop in places} == {0, 16, 32}
    narrow = [grid_crop(pixels, 39, 40, random, aligned=False)[1] for _ in range(20)]
    assert {(crop.left, crop.top) for crop in narrow} == {(0, 1)}
