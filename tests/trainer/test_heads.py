"""Models on a backbone: what they learn, what is exported, and that no fold knows the other."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from app.analysis.region import Region
from app.detection.backbone import Backbone, Backbones
from app.detection.card import Where
from app.detection.detector import Detector
from app.detection.where import WhereNetwork, locate
from app.paths import resources
from tests.models import card
from tests.trainer.corpus import photograph, write_casia1
from trainer.backbone.tower import BLOCKS, TAPS, WIDTH
from trainer.heads import pictures as pictures_module
from trainer.heads.evaluate import evaluate_head, recipe_from_card
from trainer.heads.features import Draws, cropped
from trainer.heads.generated import build_generated, cross_validated
from trainer.heads.linear import fit_linear, group_weights, unit_tokens
from trainer.heads.measuring import by_group, scores_of_rows
from trainer.heads.pictures import FromFile, Picture, altered_pictures
from trainer.heads.publish import LinearGraph, tiles_onnx
from trainer.heads.recipe import HeadRecipe, generated, tampered
from trainer.heads.semantic import ROWS, semantic_of, train_semantic
from trainer.heads.tampered import build_tampered
from trainer.heads.tiles import PLANES, TILE, Tiles, map_of
from trainer.heads.workshop import Workshop

RECIPE = HeadRecipe("test", "generated", regularisation=0.01, blocks=(7, 9))


def _pictures(count: int, groups: tuple[str, ...] = ("one", "other")) -> list[Picture]:
    return [
        Picture(
            hashlib.sha256(str(number).encode()).hexdigest(),
            number % 2,
            "generated" if number % 2 else "authentic",
            groups[number % 2],
            number // 2 % 2,
            FromFile(Path(f"{number}.png")),
        )
        for number in range(count)
    ]


def _draws(count: int, patches: bool = False, seed: int = 0) -> Draws:
    """Features of noise; those of positives are moved, and of altered cells of patches."""
    random = np.random.default_rng(seed)
    held = _pictures(count)
    labels = np.array([picture.label for picture in held])
    summary = random.normal(size=(count, BLOCKS, WIDTH)).astype(np.float32)
    summary[labels == 1, -1, :20] += 2
    shape = (count, len(TAPS), ROWS**2, WIDTH) if patches else (count, 1, 1, 1)
    tokens = random.normal(size=shape).astype(np.float16)
    masks = np.zeros((count, 56, 56), np.float32)
    if patches:
        for row in np.flatnonzero(labels):
            top, left = random.integers(1, 8, 2)
            tokens.reshape(count, len(TAPS), ROWS, ROWS, WIDTH)[
                row, :, top : top + 5, left : left + 5, :40
            ] += 2
            masks[row, 4 * top : 4 * top + 20, 4 * left : 4 * left + 20] = 1
    index = np.arange(count)
    return Draws(held, index, np.zeros(count, np.int64), summary, tokens, masks)


def test_groups_of_a_class_weigh_the_same_whatever_their_size() -> None:
    labels = np.array([0] * 90 + [0] * 10 + [1] * 5)
    groups = np.array(["large"] * 90 + ["small"] * 10 + ["ai"] * 5)
    weights = group_weights(labels, groups)
    sums = [weights[groups == name].sum() for name in ("large", "small", "ai")]
    assert sums == pytest.approx([105 / 4, 105 / 4, 105 / 2])


def test_the_linear_model_is_scikit_learns_with_its_standardisation_folded_in() -> None:
    draws = _draws(60)
    linear = fit_linear(draws.summary, draws.labels, draws.groups, RECIPE)
    tokens = unit_tokens(draws.summary, 7, 9)
    scaled = (tokens - tokens.mean(0)) / tokens.std(0)
    independent = LogisticRegression(C=0.01, max_iter=300).fit(scaled, draws.labels)
    assert np.allclose(
        linear.logits(draws.summary), independent.decision_function(scaled), atol=0.02
    )
    with torch.no_grad():
        graph = LinearGraph(linear)(torch.from_numpy(draws.summary))
    assert np.allclose(graph[:, 0].numpy(), linear.logits(draws.summary), atol=1e-4)


def test_no_picture_is_scored_by_a_model_that_knew_it() -> None:
    """Labels without any relation to the features: only memory could find them."""
    draws = _draws(80)
    random = np.random.default_rng(1)
    noise = dataclasses.replace(draws, summary=random.normal(size=draws.summary.shape))
    known = fit_linear(noise.summary, noise.labels, noise.groups, RECIPE).logits(noise.summary)
    assert np.mean((known > 0) == noise.labels) > 0.95
    unseen = cross_validated(RECIPE, _with_three_generators(noise))
    assert 0.3 < np.mean((unseen > 0) == noise.labels) < 0.7


def _with_three_generators(draws: Draws) -> Draws:
    held = [
        dataclasses.replace(picture, group=f"generator{number // 4 % 3}")
        if picture.label
        else picture
        for number, picture in enumerate(draws.pictures)
    ]
    return dataclasses.replace(draws, pictures=held)


def test_the_transformer_learns_whether_and_where() -> None:
    draws = _draws(64, patches=True)
    recipe = dataclasses.replace(RECIPE, epochs=12, batch=8, learning_rate=2e-3)
    network = train_semantic(draws, np.arange(48), recipe, lambda _: None)
    unseen = np.arange(48, 64)
    logits, maps = semantic_of(network, draws, unseen)
    assert np.mean((logits > 0) == draws.labels[unseen]) > 0.85
    inside, outside = (maps[draws.masks[unseen] == value].mean() for value in (1, 0))
    assert inside > outside + 2


def test_training_is_the_same_twice() -> None:
    draws = _draws(16, patches=True)
    recipe = dataclasses.replace(RECIPE, epochs=2, batch=8)
    found = [
        semantic_of(
            train_semantic(draws, np.arange(16), recipe, lambda _: None), draws, np.arange(4)
        )
        for _ in range(2)
    ]
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])


def test_a_network_for_tiles_begins_with_the_coarse_map() -> None:
    tiles = torch.rand(2, 10, 64, 96) * 20
    with torch.no_grad():
        assert torch.allclose(Tiles().eval()(tiles), tiles[:, 9:])


def test_the_program_tiles_as_the_trainer_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Tiles().eval()
    torch.nn.init.normal_(network.change.weight, std=0.1)
    content = tiles_onnx(network, TILE)
    digest = hashlib.sha256(content).hexdigest()
    where = Where("tampered", "where", digest, PLANES, TILE, 0.5, 0.0)
    (tmp_path / "where.onnx").write_bytes(content)
    program = WhereNetwork(tmp_path / "where.onnx", card(), where)
    pixels = np.tile(photograph(0), (4, 4, 1))[:300, :420]
    coarse = np.random.default_rng(1).normal(size=(56, 56)).astype(np.float32)
    made = card(schema=3, where=where)
    found = locate(made, coarse, pixels, program, {})
    expected = map_of(network, coarse, pixels, where, made.preparation)
    assert np.abs(found.heat / 255 - expected).max() <= 0.51 / 255 + 1e-3


def test_draws_of_a_picture_stay_together() -> None:
    draws = dataclasses.replace(
        _draws(4), index=np.array([0, 1, 0, 1, 2]), draw=np.array([0, 0, 1, 1, 0])
    )
    scores = scores_of_rows(draws, np.arange(4), np.array([1.0, 2.0, 3.0, 4.0]))
    assert scores.logits.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert scores.labels.tolist() == [0, 1]
    # One has fewer draws than the others: all count with as many.
    assert scores_of_rows(draws, np.arange(5), np.arange(5.0)).logits.shape == (3, 1)


def test_groups_are_measured_against_the_untouched_sets_that_are_named() -> None:
    draws = _draws(40)
    logits = np.where(draws.labels == 1, 3.0, -3.0)
    question = card().questions[0]
    found = by_group(draws, np.arange(40), logits, question, ("one",))
    assert set(found) == {"one", "other"}
    assert found["other"]["auc"][0] == 1.0
    assert found["one"]["auc"] is None
    assert found["one"]["images"] == found["other"]["images"] == 20


def _root(folder: Path) -> Path:
    write_casia1(folder / "casia1")

    for name in pictures_module.UNTOUCHED:
        (folder / name).mkdir()
        for number in range(6):
            seed = 100 * len(name) + number
            Image.fromarray(photograph(seed)).save(folder / name / f"{number}.png")
    return folder


def test_folds_share_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "reasons_against_content", lambda _: ())
    held = altered_pictures(_root(tmp_path), 1, test_share=0.2, forged_pairs=8)
    folds = {picture.fold for picture in held if picture.group == "casia1"}
    assert folds == {-1, 0, 1}
    assert {picture.fold for picture in held if picture.group == "forged"} == {0, 1}
    for picture in held:
        if picture.group == "forged":
            bases = {one.sha256 for one in picture.source.plan.bases}  # type: ignore[union-attr]
            own = {
                one.identity
                for one in held
                if one.fold == picture.fold and one.group in pictures_module.UNTOUCHED
            }
            assert bases == own
    assert len({picture.identity for picture in held}) == len(held)


def test_what_is_no_photograph_is_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (300, 300), "white").save(tmp_path / "page.png")
    source = FromFile(tmp_path / "page.png")
    page = Picture("a" * 64, 0, "authentic", "camera", 0, source)
    assert pictures_module.photographs_among([page]) == []


def test_a_sheet_of_four_is_taken_apart(tmp_path: Path) -> None:
    """Four different pictures side by side; one picture, or two, are no sheet."""
    parts = [photograph(number) for number in range(4)]
    sheet = np.concatenate([np.concatenate(parts[:2], 1), np.concatenate(parts[2:], 1)])
    assert pictures_module.is_sheet(sheet)
    assert not pictures_module.is_sheet(photograph(0))
    assert not pictures_module.is_sheet(np.concatenate(parts[:2], axis=1))
    Image.fromarray(sheet).save(tmp_path / "sheet.png")
    whole = Picture("a" * 64, 1, "generated", "one", 1, FromFile(tmp_path / "sheet.png"))
    quarters = pictures_module._quartered([whole])
    for quarter, part in zip(quarters, parts, strict=True):
        assert np.array_equal(quarter.pixels()[0], part)
        assert quarter.fold == whole.fold
    assert len({quarter.identity for quarter in quarters}) == 4


def test_draws_are_cut_to_the_formats_of_all_classes_alike() -> None:
    pixels = np.tile(photograph(0), (4, 4, 1))  # 384 x 512
    found = [cropped(pixels, 1, "identity", draw) for draw in range(60)]
    assert all(np.array_equal(a, cropped(pixels, 1, "identity", d)) for d, a in enumerate(found))
    shapes = [part.shape[1] / part.shape[0] for part in found if part.shape != pixels.shape]
    assert 30 < len(shapes) < 56
    assert min(shapes) < 1.05 and max(shapes) > 1.6
    assert min(part.size for part in found) >= 0.48 * pixels.size


@pytest.mark.parametrize("make", [generated, tampered])
def test_a_recipe_comes_back_out_of_its_card(make: object) -> None:
    recipe = make()  # type: ignore[operator]
    made = card()
    config = {"kind": "head", **dataclasses.asdict(recipe)}
    config = json.loads(json.dumps(config))
    made = dataclasses.replace(made, training=dataclasses.replace(made.training, config=config))

    class Stub:
        card = made

    assert recipe_from_card(Stub()) == recipe  # type: ignore[arg-type]


@pytest.mark.data
@pytest.mark.slow
def test_a_small_model_from_pictures_to_the_same_numbers_again(
    tmp_path: Path, shared_data: Path
) -> None:
    """Both models on a handful of pictures, through the command, and measured again."""
    root = tmp_path / "root"
    for folder, count in (
        ("camera", 6),
        ("pristine", 6),
        ("web", 6),
        ("ai/stable_diffusion", 8),
        ("ai/midjourney", 8),
        ("casia1/Au", 10),
        ("casia1/Sp", 10),
    ):
        (root / folder).mkdir(parents=True)
        chosen = sorted((shared_data / folder).iterdir())
        for path in chosen[:: len(chosen) // count][:count]:
            shutil.copy(path, root / folder)
    shutil.copytree(shared_data / "casia1" / "masks", root / "casia1" / "masks")
    folder = resources() / "backbones"
    backbone = Backbone(folder / "clip-vit-b16" / "backbone.onnx")
    cache = tmp_path / "cache"
    shop = Workshop(root, backbone, tmp_path / "models", cache, "1.0.0", lambda _: None)
    names = ("stable_diffusion", "midjourney", "camera", "pristine", "web", "casia1", "forged")
    small = dataclasses.replace(
        generated(), draws=tuple((name, 1) for name in names), regularisation=0.01
    )
    path = build_generated(small, shop)
    results, notes = evaluate_head(path, root, Backbones((folder,)), cache)
    assert not [note for note in notes if "DIFFERENT" in note]
    assert len(notes) == len(results) + 1
    small = dataclasses.replace(
        tampered(),
        draws=tuple((name, 1) for name in names),
        forged_pairs=6,
        epochs=2,
        tile_steps=2,
        test_share=0.3,
    )
    path = build_tampered(small, shop)
    detector = Detector(path, Backbones((folder,)))
    results, notes = evaluate_head(path, root, Backbones((folder,)), cache)
    assert not [note for note in notes if "DIFFERENT" in note]
    assert {"test", "pixel"} <= set(results)
    pixels = np.tile(photograph(3), (3, 3, 1))[:200, :300]
    found = detector.locate(pixels)
    assert found.heat.shape == (200, 300)
    assert Region(0, 0, 300, 200).area == found.width * found.height
