import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.card import SCHEMA, parse_card
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


def test_the_document_is_plain_json_with_the_schema_and_readable_text() -> None:
    document = card(summary="Größe").to_json()
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
    document = json.loads(card().to_json())
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
