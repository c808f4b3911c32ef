"""Which weights of a backbone are trained."""

from torch import nn

from trainer.config import Recipe
from trainer.errors import CorpusError
from trainer.models.lora import add_lora
from trainer.models.network import Network

AFTER_BLOCKS = ("norm", "fc_norm", "conv_head", "bn2")
"""What timm calls the layers between a backbone's last block and its features."""


def tune(network: Network, recipe: Recipe) -> None:
    """Freeze what ``recipe.tune`` leaves alone.

    ``head`` freezes the backbone; ``partial`` all of it but its last ``tuned_blocks`` blocks and
    what follows them; ``lora`` freezes it and adds updates of low rank.

    Raises:
        CorpusError: the model has no such parts.
    """
    if recipe.tune == "full":
        return
    if network.backbone is None:
        raise CorpusError(f"{recipe.model} has no backbone; only tune full is possible.")
    if recipe.tune == "lora" and not network.timm_name.startswith("vit_"):
        raise CorpusError(f"LoRA is for vision transformers; {recipe.model} is none.")
    network.backbone.requires_grad_(False)
    if recipe.tune == "partial":
        blocks = blocks_of(network.backbone)
        for block in blocks[max(len(blocks) - recipe.tuned_blocks, 0) :]:
            block.requires_grad_(True)
        for name, layer in network.backbone.named_children():
            if name in AFTER_BLOCKS:
                layer.requires_grad_(True)
    elif recipe.tune == "lora":
        add_lora(network.backbone, recipe.lora_rank)


def blocks_of(backbone: nn.Module) -> list[nn.Module]:
    """The residual or transformer blocks of a backbone of timm's, first to last."""
    children = dict(backbone.named_children())
    # A ResNet has four stages as its children, the others one list of blocks or of stages.
    stages = [layer for name, layer in children.items() if name.startswith("layer")]
    blocks: list[nn.Module] = []
    for stage in stages or children["blocks"].children():
        blocks += stage if isinstance(stage, nn.Sequential) else [stage]
    return blocks
