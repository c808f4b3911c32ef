"""Score, map and copy-move side by side: which of them speaks for what, in careful words."""

from app.analysis.localisation import Localisation
from app.detection.verdict import State

_NEITHER_ALONE = "Say so, and let neither stand alone."


def counted(count: int) -> str:
    """A number of regions in words."""
    return "1 region is" if count == 1 else f"{count} regions are"


def share_of(localisation: Localisation) -> str:
    """The share of the picture that all regions have, in words."""
    share = sum(region.share for region in localisation.regions)
    return "less than 0.1%" if 0 < share < 0.001 else f"{share:.1%}"


def score_and_map(state: State, found: Localisation) -> str:
    """What a model's answer and its map, at its own threshold, say together.

    Args:
        state: the answer for the whole picture.
        found: as the model gave it.
    """
    count = len(found.regions)
    marked = f"{counted(count)} marked, {share_of(found)} of the picture"
    if state is State.POSITIVE and count:
        return (
            f"Score and map point the same way: {marked}. Both come from one model, so they are "
            "not two independent witnesses."
        )
    if state is State.POSITIVE:
        return (
            "Score and map disagree. The score speaks for an alteration somewhere in the picture; "
            "the map marks no place. A score can follow the kind or the history of the whole "
            f"picture, and a map misses small and smooth alterations. {_NEITHER_ALONE}"
        )
    if state is State.NEGATIVE and count:
        return (
            f"Score and map disagree. The score finds no sign in the picture as a whole; {marked} "
            "by the map. A small alteration hardly moves the score; texture, writing and hard "
            f"edges draw marks without any. {_NEITHER_ALONE}"
        )
    if state is State.NEGATIVE:
        return (
            "Score and map agree: neither shows a sign. This does not show that the picture is "
            "untouched."
        )
    if count:
        return (
            f"The score does not decide. On the map {marked}: places to look at, and no finding "
            "by themselves."
        )
    return "The score does not decide, and the map marks no place."


def score_and_copies(state: State, found: Localisation, counts: bool) -> str:
    """What the answer on alterations and a search for copies say together.

    Args:
        state: the answer for the whole picture.
        found: by `app.analysis.copy_move.copy_move`.
        counts: whether copies are part of the model's score.
    """
    if found.strength is None:
        return "Copy-move: the picture is too small to be searched."
    pairs = len(found.pairs)
    if not pairs:
        return _without_copies(state)
    seen = "1 pair of regions shows" if pairs == 1 else f"{pairs} pairs of regions show"
    repeats = "Pictures that repeat themselves have such pairs untouched: compare the fine texture."
    known = (
        "The score counts copies, so the two are not independent."
        if counts
        else "This is found without the model."
    )
    if state is State.POSITIVE:
        return f"Copy-move and score point the same way: {seen} the same. {known} {repeats}"
    if state is State.NEGATIVE:
        return (
            f"Copy-move and score disagree: {seen} the same, and the score finds no sign. A copy "
            "within one picture has the same camera and history as the rest, which the model "
            f"hardly sees; a low score does not speak against it. {repeats}"
        )
    return f"Copy-move: {seen} the same. {known} {repeats}"


def _without_copies(state: State) -> str:
    if state is State.POSITIVE:
        return (
            "Copy-move found no parts that show the same. This does not speak against the score: "
            "most alterations are no copies."
        )
    return (
        "Copy-move found no parts that show the same. Copies of smooth or very small parts are "
        "not found."
    )
