"""A run in sentences: what a reader must know before believing one of its numbers."""

from collections.abc import Mapping
from typing import Any

from trainer.runs.files import CHOOSING, RunFiles, interval_of, number_of
from trainer.runs.scores import (
    balanced_accuracy_of,
    pictures_of,
    split_method,
    upper_false_alarms,
    was_resaved,
)

_FEW = 10
"""With fewer authentic pictures above a false-alarm rate than this, it is said."""


def warnings(files: RunFiles) -> list[str]:
    """Why the numbers of this run say little about new pictures; nothing for an honest protocol."""
    sentences = []
    if fault := files.metrics.get("fault"):
        sentences.append(f"{fault} There is no model to use; the scores below are not calibrated.")
    split, resaved = split_method(files), was_resaved(files)
    if split == "random":
        sentences.append(
            "The files were divided at random. Pictures that were made from the same source lie "
            "in training and in test, and a network that recognises the source is right without "
            "seeing any alteration: these numbers say little about new pictures, and are here "
            "for comparison with published ones only."
        )
    elif not split:
        sentences.append(
            "The run does not say how its files were divided, so its numbers cannot be judged."
        )
    if resaved is False:
        read = number_of(files.metrics.get("container_only") or {}, "balanced_accuracy")
        lookup = (
            f" Here a lookup of these, without looking at a pixel, reaches a balanced accuracy of "
            f"{read:.3f}."
            if read is not None
            else ""
        )
        sentences.append(
            "The files were used as published. In such sets format, quantisation tables and size "
            "often give the label away, and their traces are in the pixels, too." + lookup + " A "
            "network may have learned who saved a file: these numbers say little about new "
            "pictures."
        )
    elif resaved is None:
        sentences.append(
            "The run does not say whether all classes went through the same save pipeline, so its "
            "numbers cannot be judged."
        )
    return sentences


def verdicts(files: RunFiles) -> list[str]:
    """The main numbers, each with what it means."""
    name = files.main_set
    measures = files.sets.get(name)
    if measures is None:
        return ["This run has not been measured: it was interrupted, or it is still going on."]
    sentences = [
        *_chosen_on(files),
        *_ranking(name, measures),
        *_operating_point(files, measures),
        *_lookup(files, measures),
    ]
    if error := interval_of(measures, "ece"):
        sentences.append(
            f"A score differs from the share that it stands for by {triple(error)} on average "
            "(calibration error; 0 is none)."
        )
    return sentences


def limits(files: RunFiles) -> list[str]:
    """What the numbers do not cover."""
    told = files.metrics.get("limits")
    own = [str(limit) for limit in told] if isinstance(told, list) else []
    corpora = files.environment.get("corpora")
    named = ", ".join(map(str, corpora)) if isinstance(corpora, list) and corpora else "the corpus"
    return [
        *own,
        "Intervals are 95 %, from drawing the pictures of a set again and again. They say how far "
        "another sample of the same pictures may differ; for another camera, program, subject or "
        f"method of alteration than those of {named} they say nothing.",
        "One training is one draw: another seed gives other numbers, which no interval here "
        "covers.",
        "An answer says what a picture is consistent with. It is no certainty, and a picture "
        "outside the model's validity gets no answer.",
    ]


def save_pipeline(files: RunFiles) -> str:
    """What was done to every picture before the network saw it."""
    ranges, resaved = files.config.get("resave"), was_resaved(files)
    if not resaved or not isinstance(ranges, dict):
        return "Files were used as published." if resaved is False else ""
    try:
        (low, high), (worst, best) = ranges["longer_side"], ranges["quality"]
        second = float(ranges["second_save"])
        webp = float(ranges.get("webp", 0.0))
    except (KeyError, TypeError, ValueError):
        return "Every picture of every class went through the same save pipeline."
    formats = f"as JPEG, or with a chance of {webp:.0%} as WebP," if webp else "as JPEG"
    return (
        f"Every picture of every class, in training and in evaluation, was resized to a longer "
        f"side of {low} to {high} pixels and saved {formats} at quality {worst} to {best}; "
        f"{second:.0%} of them were saved a second time. Container, size and last save "
        "therefore carry no label; traces of earlier saves in the pixels are weakened, not erased."
    )


def few_authentic(files: RunFiles) -> str:
    """Said where 1 % of the main set's authentic pictures is hardly any; empty otherwise."""
    count = pictures_of(files.sets.get(files.main_set, {}))[0]
    if not count or count >= 100 * _FEW:
        return ""
    return (
        f"The set {files.main_set} has {count} authentic pictures, of which 1 % is "
        f"{count / 100:.1f}: what is read at this rate rests on the draws of very few pictures."
    )


def triple(value: tuple[float, float, float]) -> str:
    """A value with its interval."""
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def percent(value: tuple[float, float, float]) -> str:
    """A share with its interval."""
    return f"{value[0]:.1%} [{value[1]:.1%}, {value[2]:.1%}]"


def _chosen_on(files: RunFiles) -> list[str]:
    if files.main_set in CHOOSING:
        return [f"The only measured set is {files.main_set}, which chose something: it flatters."]
    left_out = (files.metrics.get("protocol") or {}).get("leave_out")
    if not left_out:
        return []
    return [f"Tested on {left_out}, of which no picture was in training."]


def _ranking(name: str, measures: Mapping[str, Any]) -> list[str]:
    auc = interval_of(measures, "auc")
    if auc is None:
        return [f"{name} has pictures of one class only, so nothing can be told apart in it."]
    images, draws = number_of(measures, "images"), number_of(measures, "draws")
    chance = " That is consistent with chance." if auc[1] <= 0.5 <= auc[2] else ""
    if auc[2] < 0.5:
        chance = " That is below chance: the answers are turned around."
    each = f", {draws:.0f} draws of the save pipeline each" if draws and draws > 1 else ""
    size = f" ({images:,.0f} pictures{each})" if images else ""
    return [
        f"On {name}{size} the area under the ROC curve is {triple(auc)}; 0.5 is chance.{chance}"
    ]


def _operating_point(files: RunFiles, measures: Mapping[str, Any]) -> list[str]:
    alarms, found = (interval_of(measures, key) for key in ("false_alarms", "detections"))
    parts = []
    if found is not None:
        parts.append(f"{percent(found)} of the {files.classes[1]} pictures")
    if alarms is not None:
        parts.append(f"{percent(alarms)} of the authentic ones, which are false alarms")
    if not parts:
        return []
    sentence = f"At the operating point the answer is positive for {', and for '.join(parts)}."
    limit = upper_false_alarms(measures)
    if alarms is not None and alarms[0] == 0 and limit:
        sentence += (
            f" No false alarm among {pictures_of(measures)[0]} pictures is consistent with a rate "
            f"of up to {limit:.1%}."
        )
    return [sentence]


def _lookup(files: RunFiles, measures: Mapping[str, Any]) -> list[str]:
    read = number_of(files.metrics.get("container_only") or {}, "balanced_accuracy")
    own = balanced_accuracy_of(measures)
    if read is None:
        return ["How well the container alone gives the label away was not measured."]
    sentence = (
        "A lookup of format, quantisation table and subsampling, which sees no pixel, reaches a "
        f"balanced accuracy of {read:.3f} on the files as published"
    )
    if own is None:
        return [sentence + "."]
    compared = "more than" if read > own else "no more than"
    return [f"{sentence}, {compared} this network's {own:.3f} at a score of 0.5."]
