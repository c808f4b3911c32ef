"""What a training run is told; stored with the run and in the model's card."""

from dataclasses import dataclass
from typing import Any

from app.analysis.recompress import SUBSAMPLINGS
from trainer.corpus.resave import ResaveRange
from trainer.errors import CorpusError
from trainer.settings import check, restored, setting

SPLITS = ("components", "dropping", "random")
"""Methods of dividing a corpus; see `trainer.corpus.splits`. Random is for comparison only."""

TUNINGS = ("full", "partial", "head", "lora")
CALIBRATIONS = ("platt", "temperature", "isotonic")


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a split, adding up to 1."""

    train: float = setting(0.58, "share of the split that fits weights", low=0.01, high=0.97)
    validation: float = setting(0.12, "share that picks the epoch", low=0.01, high=0.97)
    calibration: float = setting(0.15, "share that fits score and thresholds", low=0.01, high=0.97)
    test: float = setting(0.15, "share that is looked at once", low=0.01, high=0.97)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every choice of a training run. What a field means stands in its own help.

    The defaults are those of the classic network, and what runs of older trainers, which had
    fewer choices, did.
    """

    name: str
    seed: int = setting(
        20261122, "of split, save pipeline, augmentation and initialisation", low=0, high=2**31
    )

    # What is asked, and of which pictures.
    positive: str = setting("tampered", "what label 1 means: tampered, generated, or one kind")
    formats: tuple[str, ...] = setting(
        (), "use files of these formats only, such as JPEG; none named: all"
    )
    split: str = setting("components", "how the corpus is divided", choices=SPLITS)
    leave_out: str = setting(
        "", "test on this alone: corpus:NAME or generator:NAME; the rest is divided by split"
    )
    shares: Shares = setting(Shares, "sizes of the parts")
    references: tuple[str, ...] = setting(
        (), "folders of untouched pictures beside the corpus; half of each sets the operating point"
    )

    # From a file to the network's input.
    resave: ResaveRange | None = setting(
        ResaveRange, "use the files as published; for comparison with the literature only"
    )
    crop: float = setting(
        0.0, "share of draws that are cropped after the last save, half of them on the 8x8 grid",
        low=0.0, high=1.0,
    )  # fmt: skip
    planes: tuple[str, ...] = setting(("ela",), "input planes, of: ela rgb", choices=("ela", "rgb"))
    size: int = setting(128, "height and width of the input in its own pixels", low=16, high=1024)
    ela_quality: int = setting(90, "of the preparation", low=1, high=100)
    ela_subsampling: str = setting("4:2:0", "of the preparation", choices=SUBSAMPLINGS)
    draws: int = setting(
        8, "draws of the save pipeline per training image, all seen in an epoch", low=1, high=1000
    )
    evaluation_draws: int = setting(4, "the same for other parts", low=1, high=1000)

    # The network.
    model: str = setting("classic_cnn", "a name of the registry; see elascope-trainer models")
    weights: str = setting(
        "none", "none, pretrained (by name, from the network or its cache), package, or a file"
    )
    tune: str = setting("full", "which weights of a backbone are trained", choices=TUNINGS)
    tuned_blocks: int = setting(2, "last blocks that partial tuning trains", low=0, high=1000)
    lora_rank: int = setting(8, "of the low-rank update of a transformer", low=1, high=1024)
    filters: int = setting(16, "of each of the classic network's convolutions", low=1, high=1024)
    pool: int = setting(29, "side of its second max-pooling", low=1, high=512)
    dense: int = setting(64, "units of its hidden dense layer", low=1, high=4096)
    dropout: float = setting(0.1, "after its convolutions, or before a head", low=0.0, high=0.95)
    dense_dropout: float = setting(0.5, "after its hidden dense layer", low=0.0, high=0.95)

    # Augmentation; trainer/training/augment.py says what is right with respect to ELA.
    flips: bool = setting(True, "mirror at random in both directions")
    shift: float = setting(
        0.05, "largest height and width shift, as a share of the input", low=0.0, high=0.5
    )
    quarter_turns: bool = setting(False, "turn by multiples of 90 degrees")
    brightness: float = setting(0.0, "largest relative change of RGB planes", low=0.0, high=0.9)

    # The loop.
    epochs: int = setting(14, "at most", low=1, high=10_000)
    patience: int = setting(
        5, "epochs without a lower validation loss before the run ends", low=1, high=10_000
    )
    batch: int = setting(32, "images per optimiser step, over all processes", low=1, high=65_536)
    accumulate: int = setting(1, "pieces that a batch is computed in", low=1, high=1024)
    learning_rate: float = setting(1e-3, "of AdamW at its highest", low=1e-9, high=10.0)
    backbone_rate: float = setting(
        1.0, "the backbone's learning rate as a share of the head's", low=0.0, high=1.0
    )
    warmup: float = setting(
        0.0, "share of all steps with a rising rate; half a cosine follows", low=0.0, high=0.9
    )
    weight_decay: float = setting(1e-2, "of AdamW", low=0.0, high=10.0)
    mask_weight: float = setting(
        1.0, "weight of the mask's loss beside the label's, for models with a mask", low=0.0,
        high=1000.0,
    )  # fmt: skip
    workers: int = setting(0, "processes that load prepared images", low=0, high=256)

    # The score.
    calibration: str = setting("platt", "from logit to score", choices=CALIBRATIONS)

    def __post_init__(self) -> None:
        """Refuse what would end in a traceback or in nothing, before hours of work.

        Raises:
            CorpusError: with the field and its range.
        """
        check(self)
        if not self.planes or len(set(self.planes)) < len(self.planes):
            raise CorpusError("planes must name ela, rgb, or both, each once.")
        total = sum(getattr(self.shares, part) for part in ("train", "validation", "calibration"))
        if abs(total + self.shares.test - 1) > 1e-6:
            raise CorpusError("The shares of the split must add up to 1.")
        if self.leave_out and not self.leave_out.startswith(("corpus:", "generator:")):
            raise CorpusError("leave_out must be corpus:NAME or generator:NAME.")
        if self.model == "classic_cnn" and ((self.size - 4) // 2 - 4) // self.pool < 1:
            raise CorpusError(f"size {self.size} is too small for pool {self.pool}.")


def recipe_from(config: dict[str, Any]) -> Recipe:
    """The recipe that a model's card or a run's ``config.json`` holds.

    Raises:
        CorpusError: it was written by another version of the trainer.
    """
    try:
        return restored(Recipe, config)
    except (KeyError, TypeError, AttributeError) as error:
        raise CorpusError(
            "The configuration in the card is not one of this trainer's.", repr(error)
        ) from error
