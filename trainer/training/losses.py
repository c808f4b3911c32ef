"""What training makes small: the loss of each image, of its label and of its mask."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Outputs = Tensor | tuple[Tensor, Tensor]
"""What a network gives: logits (n, 1), with a mask head also logits (n, 1, height, width)."""


def losses(
    outputs: Outputs, labels: Tensor, masks: Tensor, *, positive: float, mask_weight: float
) -> tuple[Tensor, Tensor]:
    """The loss of each image, and whether its label was answered correctly.

    A loss is the binary cross-entropy of the label; where the network gives a mask and the true
    one is known, ``mask_weight`` times the mask's own cross-entropy plus 1 - Dice is added. One
    image's loss does not depend on the others beside it, so a batch can be computed in pieces.

    Args:
        outputs: of the network.
        labels: (n,) 0 or 1.
        masks: (n, height, width), NaN where unknown, or empty.
        positive: weight of the cross-entropy of label 1.
        mask_weight: of the mask's loss.

    Returns:
        (n,) float32 and (n,) bool.
    """
    logits, drawn = outputs if isinstance(outputs, tuple) else (outputs, None)
    logits = logits.float().squeeze(1)
    weight = logits.new_tensor(positive)
    each = F.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight, reduction="none")
    right = (logits > 0) == (labels > 0)
    if drawn is None:
        return each, right
    seen = drawn.float().flatten(1)
    truth = masks.to(seen).flatten(1) if masks.numel() else torch.full_like(seen, math.nan)
    known = ~truth.isnan().any(dim=1)
    truth = truth.nan_to_num()
    entropy = F.binary_cross_entropy_with_logits(seen, truth, reduction="none").mean(dim=1)
    found = seen.sigmoid()
    # The 1 makes an empty answer to an empty mask right.
    overlap = (2 * (found * truth).sum(dim=1) + 1) / (found.sum(dim=1) + truth.sum(dim=1) + 1)
    return each + mask_weight * known * (entropy + 1 - overlap), right
