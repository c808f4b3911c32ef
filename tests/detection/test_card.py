import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.card import SCHEMA, Calibration
from app.detection.card_document import parse_card
from app.errors import ModelRefusedError
from tests.models import card, question

Change = Callable[[dict[str, Any]], object]


def _changed(change: Change) -> str:
    document = json.loads(card().to_json())
    change(document)
    return json.dumps(document)


def test_a_card_comes_back_from_its_document_unchanged() -> None:
    first = card(
        questions=[
            question("tampered", "a", text="Geändert? “ja”"),
            question("generated", "b", inconclusive_below=0.8),
        ],
        preparation={"planes": ("ela", "rgb")},
    )
    assert parse_card(first.to_json(), "m") == first
    assert parse_card(first.to_json(), "m").preparation.channels == 6


POINTS = ((-2.0, 0.1), (0.5, 0.1), (3.0, 0.95))


def _with_points(points: object, schema: int = 2) -> str:
    document = json.loads(card(schema=schema).to_json())
    document["questions"][0]["calibration"]["points"] = points
    return json.dumps(document)


@pytest.mark.parametrize("schema", [1, 2])
def test_older_schemas_are_read_and_calibrate_by_the_sigmoid(schema: int) -> None:
    document = json.loads(card(schema=schema).to_json())
    del document["questions"][0]["calibration"]["points"]  # as cards of schema 1 were written
    read = parse_card(json.dumps(document), "m")
    assert read.schema == schema
    assert read.questions[0].calibration == Calibration(1.0, 0.0)


def test_calibration_points_come_back_unchanged() -> None:
    first = card([question(calibration=Calibration(1.0, 0.5, POINTS))], schema=2)
    assert parse_card(first.to_json(), "m") == first


def test_whole_numbers_in_points_stand_for_fractions() -> None:
    read = parse_card(_with_points([[-1, 0], [2, 1]]), "m").questions[0].calibration
    assert read.points == ((-1.0, 0.0), (2.0, 1.0))
    assert all(isinstance(number, float) for point in read.points for number in point)


def test_points_in_a_card_of_the_first_schema_are_refused() -> None:
    """Programs of that time would overlook them and give another score."""
    with pytest.raises(ModelRefusedError) as caught:
        parse_card(_with_points(POINTS, schema=1), "m")
    assert caught.value.sentence == (
        "The card of the model m is not valid: calibration points need schema 2."
    )


_WHERE = "card.questions[0].calibration.points"
_POINT_FAULTS: dict[str, tuple[object, str]] = {
    "no list": ("none", f"{_WHERE} is not a list"),
    "nothing": (None, f"{_WHERE} is not a list"),
    "an object": ({"0": 1}, f"{_WHERE} is not a list"),
    "flat list": ([0.0, 1.0], f"{_WHERE}[0] is not a list"),
    "one number in a point": ([[0.0], [1.0]], f"{_WHERE}[0] is not a list of 2"),
    "three numbers in a point": ([[0, 0], [1, 1, 1]], f"{_WHERE}[1] is not a list of 2"),
    "empty point": ([[]], f"{_WHERE}[0] is not a list of 2"),
    "text": ([[0, "0"], [1, 1]], f"{_WHERE}[0][1] is not of the type float"),
    "yes": ([[0, 0], [True, 1]], f"{_WHERE}[1][0] is not of the type float"),
    "not a number": ([[0, 0], [1, float("nan")]], f"{_WHERE}[1][1] is not a finite number"),
    "infinite": ([[float("-inf"), 0], [1, 1]], f"{_WHERE}[0][0] is not a finite number"),
    "beyond any float": ([[0, 0], [10**400, 1]], f"{_WHERE}[1][0] is not a finite number"),
    "too far": (
        [[-1e308, 0], [1e308, 1]],
        "a calibration point of tampered lies beyond 1,000,000",
    ),
    "falling logits": (
        [[1, 0], [0, 1]],
        "the calibration points of tampered are not in order of their logits",
    ),
    "same logit twice": (
        [[0, 0], [1, 0.5], [1, 1]],
        "the calibration points of tampered are not in order of their logits",
    ),
    "falling scores": (
        [[0, 0.2], [1, 0.1], [2, 0.9]],
        "the calibration of tampered turns the score around",
    ),
    "score above one": (
        [[0, 0], [1, 1.01]],
        "a calibration point of tampered has no score between 0 and 1",
    ),
    "score below zero": (
        [[0, -0.01], [1, 1]],
        "a calibration point of tampered has no score between 0 and 1",
    ),
    "one score": ([[0, 0.5], [1, 0.5]], "the calibration of tampered gives the same score to all"),
    "one point": ([[0, 0.5]], "the calibration of tampered gives the same score to all"),
}


@pytest.mark.parametrize("fault", _POINT_FAULTS)
def test_malformed_points_are_refused_naming_the_fault(fault: str) -> None:
    points, words = _POINT_FAULTS[fault]
    with pytest.raises(ModelRefusedError) as caught:
        parse_card(_with_points(points), "m")
    assert caught.value.sentence == f"The card of the model m is not valid: {words}."


def test_a_falling_sigmoid_is_refused_even_beside_points() -> None:
    document = json.loads(_with_points(POINTS))
    document["questions"][0]["calibration"]["slope"] = -1.0
    with pytest.raises(ModelRefusedError, match="turns the score around"):
        parse_card(json.dumps(document), "m")


@pytest.mark.parametrize(
    ("calibration", "name"),
    [
        (Calibration(1.3, -0.2), "Platt scaling"),
        (Calibration(1.3, 0.0), "temperature scaling"),
        (Calibration(1.3, -0.2, POINTS), "isotonic regression"),
    ],
)
def test_a_calibration_says_its_method(calibration: Calibration, name: str) -> None:
    assert calibration.method == name


def test_the_document_is_plain_json_with_the_schema_and_readable_text() -> None:
    document = card(summary="Größe", schema=SCHEMA).to_json()
    assert json.loads(document)["schema"] == SCHEMA
    assert json.loads(document)["questions"][0]["operating_point"]["threshold"] == 0.8
    assert "Größe" in document


@pytest.mark.parametrize("document", [None, ""])
def test_a_model_without_a_card_is_refused(document: str | None) -> None:
    with pytest.raises(ModelRefusedError) as caught:
        parse_card(document, "mystery")
    assert caught.value.sentence == (
        "The model mystery carries no model card, so its output has no known meaning. "
        "Export it with elascope-trainer."
    )


@pytest.mark.parametrize(
    "document",
    [
        "not json",
        "{",
        "[1]",
        '"text"',
        "null",
        "{}",
        '{"schema": "1"}',
        '{"schema": null}',
        '{"schema": 0}',
        pytest.param("[" * 100_000, id="nested too deeply"),
    ],
)
def test_what_is_no_card_at_all_is_refused(document: str) -> None:
    with pytest.raises(ModelRefusedError) as caught:
        parse_card(document, "m")
    assert caught.value.sentence == "The card of the model m cannot be read."
    assert caught.value.detail


def test_a_newer_schema_is_refused_even_if_nothing_else_is_known_of_it() -> None:
    with pytest.raises(ModelRefusedError) as caught:
        parse_card(json.dumps({"schema": SCHEMA + 1, "all": "new"}), "m")
    assert caught.value.sentence == (
        f"The card of the model m has schema {SCHEMA + 1}; this program knows up to {SCHEMA}. "
        "A newer Elascope is needed for it."
    )


_FAULTS: dict[str, tuple[Change, str]] = {
    "missing name": (lambda d: d.pop("name"), "card.name is missing"),
    "missing preparation": (lambda d: d.pop("preparation"), "card.preparation is missing"),
    "missing nested field": (
        lambda d: d["questions"][0]["calibration"].pop("slope"),
        "card.questions[0].calibration.slope is missing",
    ),
    "text for a number": (
        lambda d: d["questions"][0].update(miss_rate="0.1"),
        "card.questions[0].miss_rate is not of the type float",
    ),
    "yes for a number": (
        lambda d: d["preparation"].update(height=True),
        "card.preparation.height is not of the type int",
    ),
    "fraction for a whole number": (
        lambda d: d["preparation"].update(quality=90.5),
        "card.preparation.quality is not of the type int",
    ),
    "number for text": (lambda d: d.update(version=1), "card.version is not of the type str"),
    "text for a list": (lambda d: d.update(limits="none"), "card.limits is not a list"),
    "number in a list of texts": (
        lambda d: d.update(limits=["a", 2]),
        "card.limits[1] is not of the type str",
    ),
    "list for an object": (lambda d: d.update(validity=[]), "card.validity is not an object"),
    "list for a mapping": (lambda d: d.update(results=[]), "card.results is not an object"),
    "number in a mapping of texts": (
        lambda d: d["training"].update(versions={"torch": 2}),
        "card.training.versions is not of the type str",
    ),
    "thresholds out of order": (
        lambda d: d["questions"][0].update(inconclusive_below=0.81),
        "the thresholds of tampered are not in order",
    ),
    "threshold above one": (
        lambda d: d["questions"][0]["operating_point"].update(threshold=1.01),
        "the thresholds of tampered are not in order",
    ),
    "threshold below zero": (
        lambda d: d["questions"][0].update(inconclusive_below=-0.01),
        "the thresholds of tampered are not in order",
    ),
    "threshold not a number": (
        lambda d: d["questions"][0]["operating_point"].update(threshold=float("nan")),
        "card.questions[0].operating_point.threshold is not a finite number",
    ),
    "calibration slope not a number": (
        lambda d: d["questions"][0]["calibration"].update(slope=float("nan")),
        "card.questions[0].calibration.slope is not a finite number",
    ),
    "calibration slope infinite": (
        lambda d: d["questions"][0]["calibration"].update(slope=float("inf")),
        "card.questions[0].calibration.slope is not a finite number",
    ),
    "calibration offset not a number": (
        lambda d: d["questions"][0]["calibration"].update(offset=float("nan")),
        "card.questions[0].calibration.offset is not a finite number",
    ),
    "calibration offset beyond any float": (
        lambda d: d["questions"][0]["calibration"].update(offset=10**400),
        "card.questions[0].calibration.offset is not a finite number",
    ),
    "aspect not a number": (
        lambda d: d["validity"].update(maximum_aspect=float("nan")),
        "card.validity.maximum_aspect is not a finite number",
    ),
    "miss rate above one": (
        lambda d: d["questions"][0].update(miss_rate=7.0),
        "the rates of tampered are not between 0 and 1",
    ),
    "false alarm rate below zero": (
        lambda d: d["questions"][0]["operating_point"].update(false_alarm_rate=-1.0),
        "the rates of tampered are not between 0 and 1",
    ),
    "half a surrogate pair in a text": (
        lambda d: d["questions"][0].update(positive="\ud800"),
        "it holds text or numbers that cannot be written down",
    ),
    "falling calibration": (
        lambda d: d["questions"][0]["calibration"].update(slope=-1.0),
        "the calibration of tampered turns the score around",
    ),
    "flat calibration": (
        lambda d: d["questions"][0]["calibration"].update(slope=0),
        "the calibration of tampered turns the score around",
    ),
    "question twice": (
        lambda d: d["questions"].append(d["questions"][0]),
        "a question is named twice",
    ),
    "no question": (lambda d: d.update(questions=[]), "it names no question"),
    "question no column can be called": (
        lambda d: d["questions"][0].update(id="=cmd()"),
        "'=cmd()' is not a name for a question",
    ),
    "unknown plane": (
        lambda d: d["preparation"].update(planes=["ela", "noiseprint"]),
        "unknown input planes ela, noiseprint",
    ),
    "no plane": (lambda d: d["preparation"].update(planes=[]), "unknown input planes (none)"),
    "unknown reduction": (
        lambda d: d["preparation"].update(reduction="nearest"),
        "unknown reduction nearest",
    ),
    "too small an input": (
        lambda d: d["preparation"].update(height=7),
        "the input size is out of range",
    ),
    "too large an input": (
        lambda d: d["preparation"].update(width=4097),
        "the input size is out of range",
    ),
    "quality 0": (
        lambda d: d["preparation"].update(quality=0),
        "the ELA settings are out of range",
    ),
    "unknown subsampling": (
        lambda d: d["preparation"].update(subsampling="4:1:1"),
        "the ELA settings are out of range",
    ),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_card_with_a_fault_is_refused_naming_it(fault: str) -> None:
    change, words = _FAULTS[fault]
    with pytest.raises(ModelRefusedError) as caught:
        parse_card(_changed(change), "m")
    assert caught.value.sentence == f"The card of the model m is not valid: {words}."


def test_whole_numbers_stand_for_fractions() -> None:
    read = parse_card(_changed(lambda d: d["questions"][0]["calibration"].update(slope=2)), "m")
    assert read.questions[0].calibration.slope == 2.0
    assert isinstance(read.questions[0].calibration.slope, float)


def test_unknown_fields_of_a_later_version_are_ignored() -> None:
    def add(document: dict[str, Any]) -> None:
        document["colour"] = "blue"
        document["preparation"]["gamma"] = 2.2
        document["questions"][0]["calibration"]["bins"] = [1, 2]

    assert parse_card(_changed(add), "m") == card()


def test_results_may_be_left_out() -> None:
    assert parse_card(_changed(lambda d: d.pop("results")), "m").results == {}


def test_equal_thresholds_leave_no_inconclusive_band_and_are_allowed() -> None:
    document = card(questions=[question(inconclusive_below=0.8)]).to_json()
    assert parse_card(document, "m").questions[0].inconclusive_below == 0.8


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    path=st.lists(st.integers(0, 20), min_size=1, max_size=4),
    value=_JSON,
)
def test_any_value_anywhere_is_taken_or_refused_in_a_sentence(path: list[int], value: Any) -> None:
    pointed = question(calibration=Calibration(1.0, 0.0, POINTS))
    document = json.loads(card([pointed], schema=2).to_json())
    place: Any = document
    for depth, step in enumerate(path, 1):
        key = list(place)[step % len(place)] if isinstance(place, dict) else step % len(place)
        if depth == len(path) or not isinstance(place[key], dict | list) or not place[key]:
            place[key] = value
            break
        place = place[key]
    try:
        parse_card(json.dumps(document), "m")
    except ModelRefusedError as error:
        assert error.sentence.startswith("The card of the model m ")
