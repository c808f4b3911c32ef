"""The loop: overfitting, best weights, schedule, mixture, accumulation, masks, class weights."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.classic_cnn import ClassicCnn
from trainer.models.network import Network
from trainer.training.augment import augment
from trainer.training.loop import Epoch, predict, predict_masks, rate, train
from trainer.training.losses import losses
from trainer.training.order import EpochImages, class_weight, draw_order
from trainer.training.prepared import MemorySet

PLAIN = Recipe("test", epochs=3, batch=4, shift=0.0, flips=False)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On tensors as small as these, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class TwoHeads(Network):
    """A label from the highest value of a mask of its own."""

    def __init__(self) -> None:
        super().__init__(3, ("ela",))
        self.draw = nn.Conv2d(3, 1, kernel_size=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mask = self.draw(self.normalised(images))
        return mask.amax(dim=(2, 3)), mask


def network(size: int = 32, dropout: float = 0.0) -> ClassicCnn:
    torch.manual_seed(0)
    return ClassicCnn(3, size, filters=8, pool=4, dense=16, dropout=dropout, dense_dropout=dropout)


def levels(count: int, size: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, size, size, generator=generator) * 8


def labelled(count: int) -> MemorySet:
    return MemorySet(levels(count)[:, None], torch.tensor([0.0, 1.0]).repeat(count // 2))


def weights_of(model: nn.Module) -> Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def masked(count: int) -> MemorySet:
    """Pictures with a bright square in every second one, and where it is."""
    images, masks = levels(count, 16) / 8, torch.zeros(count, 16, 16)
    masks[1::2, 4:10, 6:12] = 1
    images += 20 * masks[:, None]
    labels = torch.tensor([0.0, 1.0]).repeat(count // 2)
    return MemorySet(images[:, None], labels, masks[:, None])


def test_it_overfits_eight_images() -> None:
    data, model = labelled(8), network()
    model.fit_normalisation(levels(8))
    # Augmentation off: eight images in all their flips are no longer eight images.
    recipe = dataclasses.replace(PLAIN, epochs=80, patience=80, batch=8, learning_rate=3e-3)
    epochs = train(model, data, data, recipe, lambda _: None)
    assert epochs[-1].train_loss < 0.05
    assert ((predict(model, data) > 0) == (data.labels > 0)).all()


def test_weights_of_the_lowest_validation_loss_are_kept() -> None:
    """The validation labels are the reverse, so every step of training makes them worse."""
    data = labelled(16)
    reverse = MemorySet(levels(16)[:, None], 1 - data.labels)
    seen: list[Epoch] = []
    model = network()
    recipe = dataclasses.replace(PLAIN, epochs=30, patience=5, batch=16, learning_rate=3e-3)
    assert train(model, data, reverse, recipe, seen.append) == seen
    assert len(seen) < 30
    best = min(seen, key=lambda epoch: epoch.validation_loss)
    assert len(seen) == best.number + 5
    loss = F.binary_cross_entropy_with_logits(predict(model, reverse), reverse.labels)
    assert abs(float(loss) - best.validation_loss) < 1e-3


def test_same_seed_trains_the_same_network_and_another_seed_another() -> None:
    recipe = Recipe("test", epochs=2, batch=4)
    runs = []
    for seed, workers in ((1, 0), (1, 0), (1, 2), (2, 0)):
        model = network(dropout=0.25)
        # What was drawn before does not matter.
        torch.rand(len(runs) + 1)
        chosen = dataclasses.replace(recipe, seed=seed, workers=workers)
        train(model, labelled(16), labelled(8), chosen, lambda _: None)
        runs.append(weights_of(model))
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[2])
    assert not torch.equal(runs[0], runs[3])


def test_one_step_is_adamw_on_the_weighted_mean_loss() -> None:
    """Against torch's own optimiser, with three untouched pictures for one altered."""
    data = MemorySet(levels(8)[:, None], torch.tensor([0.0, 0, 0, 1, 0, 0, 1, 0]))
    recipe = dataclasses.replace(PLAIN, epochs=1, batch=8, learning_rate=0.01, weight_decay=0.1)
    model, other = network(), network()
    (epoch,) = train(model, data, data, recipe, lambda _: None)
    optimiser = torch.optim.AdamW(other.parameters(), lr=0.01, weight_decay=0.1)
    logits = other(levels(8).half().float()).squeeze(1)
    loss = F.binary_cross_entropy_with_logits(logits, data.labels, pos_weight=torch.tensor(3.0))
    loss.backward()
    optimiser.step()
    assert epoch.train_loss == pytest.approx(float(loss.detach()), rel=1e-5)
    for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert theirs.grad is not None
        # The first step of Adam is the sign of the gradient, which rounding decides near 0.
        clear = theirs.grad.abs() > 1e-6
        assert clear.any()
        assert torch.allclose(mine[clear], theirs[clear], atol=1e-4)


def test_a_batch_in_pieces_is_the_same_batch() -> None:
    recipe = Recipe("test", epochs=2, batch=6)
    found = []
    for pieces in (1, 4):
        model = network()
        chosen = dataclasses.replace(recipe, accumulate=pieces)
        epochs = train(model, labelled(16), labelled(8), chosen, lambda _: None)
        found.append((weights_of(model), epochs[-1].train_loss))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-5)


def test_the_rate_rises_in_a_line_and_falls_in_half_a_cosine() -> None:
    rates = [rate(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 11)
    steps = [after - before for before, after in pairwise(rates[:11])]
    assert steps == pytest.approx([1 / 11] * 10)
    assert rates[10] == max(rates) == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[99] < 0.001
    assert rate(0, 100, 0.0) == 1.0


def test_the_optimiser_takes_the_groups_and_the_rate() -> None:
    """What is frozen stays; a group with a rate of almost nothing hardly moves."""

    class Grouped(ClassicCnn):
        def parameter_groups(self, recipe: Recipe) -> list[dict[str, object]]:
            return [
                {"params": self.features[0].parameters(), "lr": 1e-9},
                {"params": self.head.parameters(), "lr": recipe.learning_rate},
            ]

    torch.manual_seed(0)
    model = Grouped(3, 32, filters=8, pool=4, dense=16, dropout=0.0, dense_dropout=0.0)
    before = {name: value.clone() for name, value in model.named_parameters()}
    train(model, labelled(8), labelled(8), PLAIN, lambda _: None)
    moved = {
        name: float((value - before[name]).abs().max().detach())
        for name, value in model.named_parameters()
    }
    assert 0 < moved["features.0.weight"] < 1e-6
    assert moved["features.3.weight"] == 0.0
    assert moved["head.0.weight"] > 1e-4


def test_every_draw_is_seen_once_in_an_epoch_and_each_epoch_has_its_order() -> None:
    data = MemorySet(levels(6)[:, None].repeat(1, 3, 1, 1, 1), torch.tensor([0.0, 1.0] * 3))
    orders = [draw_order(data, 5, epoch).tolist() for epoch in (1, 2, 1)]
    assert sorted(orders[0]) == list(range(18))
    assert orders[0] == orders[2] != orders[1]


def test_a_mixture_draws_examples_by_their_weight() -> None:
    data = MemorySet(torch.zeros(4, 500, 1, 1, 1), torch.tensor([0.0, 1.0, 0.0, 1.0]))
    weights = (0.1, 0.6, 0.3, 0.0)
    order = draw_order(data, 5, 1, weights).tolist()
    counts = Counter(index // 500 for index in order)
    assert len(order) == 2000
    for example, weight in enumerate(weights):
        # Three standard deviations of a binomial count.
        assert abs(counts[example] - 2000 * weight) <= 3 * math.sqrt(2000 * weight * (1 - weight))
    draws = Counter(index % 500 for index in order)
    assert len(draws) > 450
    # 0.4 of what is drawn has label 0, 0.6 has label 1.
    assert class_weight(data, weights) == pytest.approx(0.4 / 0.6)
    assert class_weight(data, None) == 1.0


def test_one_class_is_refused_in_a_sentence() -> None:
    data = MemorySet(levels(4)[:, None], torch.ones(4))
    with pytest.raises(CorpusError, match="one class only"):
        train(network(), data, data, PLAIN, lambda _: None)
    with pytest.raises(CorpusError, match="one class only"):
        train(network(), labelled(4), data, PLAIN, lambda _: None, weights=(0.5, 0.0, 0.5, 0.0))


def test_a_loss_that_grows_without_end_is_told_in_a_sentence() -> None:
    model = network()
    with torch.no_grad():
        model.head[3].weight.fill_(math.nan)
    with pytest.raises(CorpusError, match="infinite in epoch 1"):
        train(model, labelled(4), labelled(4), PLAIN, lambda _: None)


def test_augmentation_is_that_of_the_augment_module_with_a_generator_for_each_image() -> None:
    recipe = Recipe(
        "test",
        planes=("ela", "rgb"),
        shift=0.1,
        quarter_turns=True,
        brightness=0.3,
    )
    images = torch.rand(6, 6, 32, 32, generator=torch.Generator().manual_seed(3)) * 200
    data = MemorySet(images[:, None], torch.tensor([0.0, 1.0] * 3))
    epoch = EpochImages(data, recipe, 2, None)
    together, labels, masks = epoch[[0, 3, 5]]
    assert together.dtype == torch.float32
    assert masks.shape == (3, 0, 0)
    for row, place in enumerate((0, 3, 5)):
        assert torch.equal(together[row], epoch[[place]][0][0])
    order = draw_order(data, recipe.seed, 2).tolist()
    generator = torch.Generator().manual_seed(epoch.seeds[3])
    expected = augment(
        images[order[3]][None].half().float(),
        0.1,
        generator,
        quarter_turns=True,
        brightness=0.3,
        rgb_channels=(3, 4, 5),
    )
    assert torch.equal(together[1], expected[0])
    assert labels[1] == data.labels[order[3]]
    assert not torch.equal(EpochImages(data, recipe, 3, None)[[3]][0], together[1:2])


def test_a_mask_moves_with_its_picture() -> None:
    recipe = Recipe("test", shift=0.2, quarter_turns=True)
    images, _, masks = EpochImages(masked(16), recipe, 1, None)[list(range(16))]
    assert torch.equal(images[:, 0] > 10, masks > 0.5)
    assert len({tuple(mask.flatten().tolist()) for mask in masks}) > 4


def test_a_mask_is_learned_and_predicted() -> None:
    data = masked(8)
    torch.manual_seed(0)
    model = TwoHeads()
    model.fit_normalisation(torch.stack([data[i][0] for i in range(8)]))
    recipe = Recipe("test", size=16, pool=2, epochs=40, patience=40, batch=8, learning_rate=0.1)
    epochs = train(model, data, data, recipe, lambda _: None)
    assert epochs[-1].validation_loss < epochs[0].validation_loss / 2
    pairs = list(predict_masks(model, data, batch=3))
    assert [len(probabilities) for probabilities, _ in pairs] == [3, 3, 2]
    found, truth = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    assert torch.equal(truth, torch.stack([data[i][2] for i in range(8)]).float())
    assert ((found > 0.5) == (truth > 0.5)).float().mean() > 0.99
    assert predict(model, data, batch=3).shape == (8,)


def test_losses_of_labels_and_masks_computed_by_hand() -> None:
    logits = torch.tensor([[2.0], [-1.0], [0.5]])
    labels = torch.tensor([1.0, 0.0, 1.0])
    drawn = torch.tensor([[[3.0, -3.0]], [[-2.0, -2.0]], [[1.0, 1.0]]])[:, None]
    masks = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]], [[math.nan, math.nan]]])
    each, right = losses((logits, drawn), labels, masks, positive=2.0, mask_weight=0.5)

    def cost(logit: float) -> float:
        return math.log(1 + math.exp(-logit))

    def share(logit: float) -> float:
        return 1 / (1 + math.exp(-logit))

    dice = (2 * share(3) + 1) / (share(3) + share(-3) + 1 + 1)
    empty = 1 / (2 * share(-2) + 1)
    assert each.tolist() == pytest.approx(
        [
            2 * cost(2) + 0.5 * (cost(3) + 1 - dice),
            cost(1) + 0.5 * (cost(2) + 1 - empty),
            2 * cost(0.5),
        ],
        rel=1e-5,
    )
    assert right.tolist() == [True, True, True]
    alone, _ = losses(logits, labels, masks, positive=2.0, mask_weight=0.5)
    assert alone.tolist() == pytest.approx([2 * cost(2), cost(1), 2 * cost(0.5)], rel=1e-5)


def test_an_unknown_mask_teaches_the_mask_head_nothing() -> None:
    drawn = torch.zeros(2, 1, 4, 4, requires_grad=True)
    masks = torch.full((2, 4, 4), math.nan)
    masks[1] = 1
    each, _ = losses(
        (torch.zeros(2, 1), drawn), torch.ones(2), masks, positive=1.0, mask_weight=1.0
    )
    each.sum().backward()
    assert drawn.grad is not None
    assert (drawn.grad[0] == 0).all()
    assert (drawn.grad[1] < 0).all()
    each, _ = losses(
        (torch.zeros(2, 1), drawn), torch.ones(2), torch.empty(2, 0, 0), positive=1.0, mask_weight=1
    )
    assert each.tolist() == pytest.approx([math.log(2)] * 2)
