"""Examples as tensors: decode, save pipeline, preparation, on all cores."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from app.detection.card import Preparation
from app.detection.prepare import prepare
from app.evidence.decode import decode
from app.evidence.file import open_evidence
from trainer.corpus import Example
from trainer.corpus.resave import ResaveRange, resave


def prepare_examples(
    examples: Sequence[Example],
    preparation: Preparation,
    ranges: ResaveRange,
    seed: int,
    draws: int,
    label: str,
) -> Tensor:
    """Prepare every draw of every example.

    Args:
        examples: to prepare.
        preparation: of the model.
        ranges: of the save pipeline.
        seed: of the save pipeline.
        draws: how many for each example.
        label: of the progress bar.

    Returns:
        (examples, draws, channels, height, width) float16 on the CPU. Half
        precision keeps 11 bits, where the files have 8.
    """
    shape = (len(examples), draws, preparation.channels, preparation.height, preparation.width)
    tensor = np.empty(shape, dtype=np.float16)

    def one(index: int) -> None:
        example = examples[index]
        pixels = decode(open_evidence(example.path)).pixels
        for draw in range(draws):
            saved, _ = resave(pixels, ranges, seed, example.sha256, draw)
            tensor[index, draw] = prepare(saved, preparation)

    with ThreadPoolExecutor(cpu_count()) as pool:
        work = pool.map(one, range(len(examples)))
        for _ in tqdm(work, total=len(examples), desc=label, disable=None, leave=False):
            pass
    return torch.from_numpy(tensor)
