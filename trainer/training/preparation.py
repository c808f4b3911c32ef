"""From a recipe to what happens to a picture before the network sees it."""

from app.analysis.recompress import encoder_identity
from app.detection.card import Preparation
from trainer.config import Recipe
from trainer.training.prepared import Chain


def preparation_of(recipe: Recipe) -> Preparation:
    """The preparation that a recipe asks for, with this machine's encoder."""
    return Preparation(
        planes=recipe.planes,
        height=recipe.size,
        width=recipe.size,
        quality=recipe.ela_quality,
        subsampling=recipe.ela_subsampling,
        reduction="area_mean",
        encoder_fingerprint=encoder_identity().fingerprint,
    )


def chain_of(recipe: Recipe, preparation: Preparation) -> Chain:
    """Save pipeline and preparation of a recipe; the preparation may be a model card's."""
    return Chain(preparation, recipe.resave, recipe.crop, recipe.seed)
