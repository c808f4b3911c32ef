"""What the cache of prepared images gains over a plain PyTorch loop on the same data.

    python benchmarks/training.py [CORPUS] [IMAGES]

Three ways to train the classic network for three epochs on the same files, in turn:

- elascope: the trainer's loop; the first epoch includes filling an empty cache on all cores.
- plain: a Dataset that decodes, re-saves and prepares in ``__getitem__`` by the trainer's own
  function, loaded by two worker processes; the same work for every epoch again.
- pillow: the notebook way: open, save at 90, difference, resize, all with Pillow, two workers,
  no save pipeline.

Prints images per second for each epoch, their ratios, and last one line of JSON. Only ratios
travel to other machines. Without a corpus, synthetic pictures of the size of CASIA's are used.
"""

import dataclasses
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageChops
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.config import Recipe
from trainer.corpus import Example
from trainer.corpus.read import read_corpus
from trainer.models.registry import build_model
from trainer.recipes import classic_cnn
from trainer.training.loop import train
from trainer.training.preparation import chain_of, preparation_of
from trainer.training.prepared import Chain, prepare_draw, prepare_set, sample

EPOCHS = 3
WORKERS = 2


def main() -> None:
    """Time all three and print the ratios."""
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    with tempfile.TemporaryDirectory() as place:
        corpus = Path(sys.argv[1]) if len(sys.argv) > 1 else synthetic(Path(place, "set"), count)
        examples = spread(read_corpus(corpus).examples, count)
        recipe = dataclasses.replace(classic_cnn(), draws=1, epochs=EPOCHS, patience=EPOCHS)
        times = {
            "elascope": elascope(recipe, examples, Path(place, "cache")),
            "plain": plain(recipe, PlainImages(examples, chain_of(recipe, preparation_of(recipe)))),
            "pillow": plain(recipe, PillowImages(examples, recipe)),
        }
    figures: dict[str, float] = {}
    for name, seconds in times.items():
        rates = [len(examples) / each for each in seconds]
        print(f"{name:10} images per second by epoch: {', '.join(f'{r:.0f}' for r in rates)}")
        figures |= {f"{name}_epoch{number}": round(r, 1) for number, r in enumerate(rates, 1)}
    for other in ("plain", "pillow"):
        for number in range(EPOCHS):
            gain = times[other][number] / times["elascope"][number]
            print(f"epoch {number + 1}: elascope over {other}: {gain:.2f}x")
            figures[f"over_{other}_epoch{number + 1}"] = round(gain, 3)
    print(json.dumps({"benchmark": "training", "images": len(examples), **figures}))


def elascope(recipe: Recipe, examples: list[Example], cache: Path) -> list[float]:
    """Seconds of each epoch; preparing is in the first one. Validation is on two images."""
    times = [time.perf_counter()]
    chain = chain_of(recipe, preparation_of(recipe))
    data = prepare_set(examples, chain, 1, cache, "benchmark")
    few = prepare_set([examples[0], examples[-1]], chain, 1, cache, "validation")
    model = build_model(recipe, 3)
    model.fit_normalisation(sample(data))
    train(model, data, few, recipe, lambda _: times.append(time.perf_counter()))
    return [float(step) for step in np.diff(times)]


class PlainImages(Dataset[tuple[Tensor, Tensor]]):
    """Prepared anew for every epoch, by the trainer's own function."""

    def __init__(self, examples: list[Example], chain: Chain) -> None:
        self.examples, self.chain = examples, chain

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        example = self.examples[index]
        pixels = decode(open_evidence(example.path)).pixels
        image, _ = prepare_draw(pixels, example.sha256, 0, self.chain)
        return torch.from_numpy(image).float(), torch.tensor(float(example.label))


class PillowImages(Dataset[tuple[Tensor, Tensor]]):
    """As many notebooks have it."""

    def __init__(self, examples: list[Example], recipe: Recipe) -> None:
        self.examples, self.recipe = examples, recipe

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        example, side = self.examples[index], self.recipe.size
        picture = Image.open(example.path).convert("RGB")
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=self.recipe.ela_quality)
        levels = ImageChops.difference(picture, Image.open(stream).convert("RGB"))
        values = np.asarray(levels.resize((side, side)), dtype=np.float32).transpose(2, 0, 1)
        return torch.from_numpy(values.copy()), torch.tensor(float(example.label))


def plain(recipe: Recipe, data: Dataset[tuple[Tensor, Tensor]]) -> list[float]:
    """Seconds of each epoch of a loop with nothing but what training needs."""
    torch.manual_seed(recipe.seed)
    model = build_model(recipe, 3)
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate)
    criterion: Callable[[Tensor, Tensor], Tensor] = torch.nn.BCEWithLogitsLoss()
    times = [time.perf_counter()]
    model.train()
    for _ in range(EPOCHS):
        loader = DataLoader(data, recipe.batch, shuffle=True, num_workers=WORKERS)
        for images, labels in loader:
            loss = criterion(model(images).squeeze(1), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        times.append(time.perf_counter())
    return [float(step) for step in np.diff(times)]


def spread(examples: tuple[Example, ...], count: int) -> list[Example]:
    """``count`` examples at even distances, so that both classes are among them."""
    count = min(count, len(examples))
    return [examples[number * len(examples) // count] for number in range(count)]


def synthetic(root: Path, count: int) -> Path:
    """A folder per class with ``count`` noisy pictures of 384 x 256 in all."""
    random = np.random.default_rng(0)
    for name in ("authentic", "tampered"):
        (root / name).mkdir(parents=True)
        for number in range((count + 1) // 2):
            coarse = Image.fromarray(random.integers(0, 255, (16, 24, 3), dtype=np.uint8))
            picture = np.asarray(coarse.resize((384, 256), Image.Resampling.BICUBIC)).astype(float)
            grainy = np.clip(picture + random.normal(0, 6, picture.shape), 0, 255)
            Image.fromarray(grainy.astype(np.uint8)).save(root / name / f"{number}.jpg", quality=92)
    return root


if __name__ == "__main__":
    main()
