"""What a search for copies found, in sentences; the same for the terminal and the window."""

from app.analysis.copy_move import SMALLEST_SIDE
from app.analysis.localisation import Correspondence, FoundRegion, Localisation, middle

FEW_KEY_POINTS = 100
"""Below this many there is too little structure to compare."""

MEANING = (
    "This is consistent with a part of the picture having been copied within it. Which of two "
    "regions is the copy cannot be told."
)

CAUTION = (
    "Untouched pictures do this too where they repeat themselves: printed patterns, rendered text "
    "and graphics, reflections, things made by machine in rows. Look at the fine texture of both "
    "regions: noise and grain that agree are not repeated by nature."
)

NOTHING = (
    "That does not show that nothing was copied: copies of smooth parts such as clear sky, of very "
    "small parts, and those strongly changed afterwards are not found."
)

FALSE_ALARMS = (
    "At the default threshold of 0.75, 15 of 1,412 untouched pictures (1.1 %) gave such a finding, "
    "5 of them diagrams with repeated words."
)
"""Measured on pictures that fitted nothing; `benchmarks/copy_move.py` prints it."""


def sentences(localisation: Localisation) -> tuple[str, ...]:
    """What was found, what it may mean and may not, the most important first.

    Args:
        localisation: by `app.analysis.copy_move.copy_move`.
    """
    if localisation.strength is None:
        return (
            f"The picture was not searched: a side is shorter than {SMALLEST_SIDE} pixels.",
            "Nothing can be said about copies in it.",
        )
    if not localisation.regions:
        return (_nothing_found(localisation), *_blindness(localisation), NOTHING)
    regions = localisation.regions
    return (
        f"{_counted(len(regions), 'region')} in {_counted(len(localisation.pairs), 'pair')} "
        f"show the same; strength {localisation.strength:.2f} of 1.",
        *(_pair(number, pair, regions) for number, pair in enumerate(localisation.pairs, 1)),
        MEANING,
        CAUTION,
        FALSE_ALARMS,
    )


def parameters_line(localisation: Localisation) -> str:
    """How it was searched, in one line."""
    record = localisation.record
    asked = record["parameters"]
    copies = "also mirrored ones" if asked["mirrored"] else "no mirrored ones"
    values = f"threshold {asked['threshold']:g}, at most {asked['megapixels']:g} MP, {copies}"
    searched = record.get("searched")
    if searched is None:
        return f"Parameters: {values}."
    return (
        f"Parameters: {values}; searched at {searched['width']} x {searched['height']} pixels, "
        f"{searched['key_points']} key points."
    )


def _nothing_found(localisation: Localisation) -> str:
    return (
        "No regions were found that show the same (strongest evidence "
        f"{localisation.strength:.2f}, reported from {localisation.threshold:.2f})."
    )


def _blindness(localisation: Localisation) -> tuple[str, ...]:
    points = localisation.record["searched"]["key_points"]
    if points >= FEW_KEY_POINTS:
        return ()
    return (
        f"The picture has little structure ({_counted(points, 'key point')}): the search can "
        "hardly find anything in it.",
    )


def _pair(number: int, pair: Correspondence, regions: tuple[FoundRegion, ...]) -> str:
    source, target = regions[pair.source], regions[pair.target]
    return (
        f"Pair {number}: {_placed(source)} and {_placed(target)}; {_move(pair)}; "
        f"{pair.matches} key points agree, correlation {pair.correlation:.2f}."
    )


def _placed(region: FoundRegion) -> str:
    x, y = middle(region)
    return f"{region.area:,} pixels ({region.share:.1%}) around ({x:.0f}, {y:.0f})"


def _move(pair: Correspondence) -> str:
    """The move from source to target; what is within its error is left out."""
    across, down = pair.shift
    parts = [f"moved by {across:+.0f}, {down:+.0f} pixels"]
    if pair.mirrored:
        parts.append("mirrored")
    if abs(pair.degrees) >= 1:
        parts.append(f"turned by {pair.degrees:.0f} degrees")
    if abs(pair.scale - 1) >= 0.02:
        parts.append(f"scaled by {pair.scale:.2f}")
    return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
