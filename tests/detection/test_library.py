from pathlib import Path

import pytest

from app.detection.library import find_models, load_detectors, load_installed, resolve_model
from app.errors import ModelRefusedError
from tests.models import card, question, write_model


def _install(folder: Path, name: str, *questions: str) -> Path:
    made = card([question(q) for q in questions or ("tampered",)], name=name)
    return write_model(folder / name / "model.onnx", made.to_json())


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The user's folder and the shipped one, both empty; the user's does not exist yet."""
    (tmp_path / "shipped").mkdir()
    return tmp_path / "user", tmp_path / "shipped"


def test_missing_and_empty_folders_have_no_models(folders: tuple[Path, Path]) -> None:
    assert find_models(folders) == {}
    assert load_detectors([], folders) == ()
    assert load_installed(folders) == ((), ())


def test_no_name_loads_no_model_although_one_is_installed(folders: tuple[Path, Path]) -> None:
    _install(folders[0], "grey")
    assert load_detectors([], folders) == ()


def test_a_users_model_hides_the_shipped_one_of_the_same_name(folders: tuple[Path, Path]) -> None:
    user, shipped = folders
    hidden = _install(shipped, "grey")
    other = _install(shipped, "other", "generated")
    own = _install(user, "grey")
    assert find_models(folders) == {"grey": own, "other": other}
    assert resolve_model("grey", folders) == own != hidden


def test_only_folders_with_a_model_inside_are_models(folders: tuple[Path, Path]) -> None:
    user, _ = folders
    (user / "empty").mkdir(parents=True)
    (user / "model.onnx").write_bytes(b"not in a folder of its own")
    (user / "notes.txt").write_text("x")
    assert find_models(folders) == {}


def test_a_path_to_a_file_is_a_model_too(folders: tuple[Path, Path], tmp_path: Path) -> None:
    path = write_model(tmp_path / "elsewhere.onnx", card().to_json())
    assert resolve_model(str(path), folders) == path
    assert [detector.path for detector in load_detectors([str(path)], folders)] == [path]


def test_an_unknown_name_lists_the_known_ones(folders: tuple[Path, Path]) -> None:
    for name in ("beta", "alpha"):
        _install(folders[1], name)
    with pytest.raises(ModelRefusedError) as caught:
        resolve_model("gamma", folders)
    assert caught.value.sentence == "There is no model 'gamma'. Known models: alpha, beta."


def test_an_unknown_name_without_any_model_says_none(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ModelRefusedError, match=r"Known models: none\."):
        load_detectors(["gamma"], folders)


def test_by_default_a_question_is_asked_once_and_the_users_model_comes_first(
    folders: tuple[Path, Path],
) -> None:
    user, shipped = folders
    _install(shipped, "a-shipped", "tampered")
    _install(shipped, "b-shipped", "generated")
    _install(user, "z-own", "tampered")
    detectors, refusals = load_installed(folders)
    assert [d.card.name for d in detectors] == ["z-own", "b-shipped"]
    assert [refusal.sentence for refusal in refusals] == [
        "The model a-shipped is not asked: z-own already answers 'tampered'."
    ]


def test_a_model_with_one_answered_question_of_two_is_left_out_whole(
    folders: tuple[Path, Path],
) -> None:
    """The sentence names the model that answers, which need not be the first."""
    user, shipped = folders
    _install(user, "a", "generated")
    _install(user, "b", "tampered")
    target = shipped / "c" / "model.onnx"
    asked = [question("resaved"), question("tampered")]
    write_model(target, card(asked, name="c").to_json())
    detectors, refusals = load_installed(folders)
    assert [d.card.name for d in detectors] == ["a", "b"]
    assert [refusal.sentence for refusal in refusals] == [
        "The model c is not asked: b already answers 'tampered'."
    ]


def test_a_model_that_is_left_out_keeps_no_later_one_from_its_questions(
    folders: tuple[Path, Path],
) -> None:
    _install(folders[0], "a", "tampered")
    _install(folders[0], "b", "tampered", "generated")
    _install(folders[0], "c", "generated")
    detectors, refusals = load_installed(folders)
    assert [d.card.name for d in detectors] == ["a", "c"]
    assert len(refusals) == 1


def test_named_models_that_answer_the_same_question_are_refused(
    folders: tuple[Path, Path],
) -> None:
    _install(folders[1], "one", "tampered")
    _install(folders[1], "two", "tampered")
    with pytest.raises(ModelRefusedError) as caught:
        load_detectors(["one", "two"], folders)
    assert caught.value.sentence == (
        "The models one and two both answer 'tampered'; choose one of them."
    )


def test_named_models_are_loaded_in_the_order_given(folders: tuple[Path, Path]) -> None:
    _install(folders[1], "one", "tampered")
    _install(folders[1], "two", "generated")
    assert [d.card.name for d in load_detectors(["two", "one"], folders)] == ["two", "one"]


def test_a_broken_model_costs_itself_only_and_is_named(folders: tuple[Path, Path]) -> None:
    user, shipped = folders
    write_model(user / "bare" / "model.onnx", None)
    (user / "junk").mkdir()
    (user / "junk" / "model.onnx").write_bytes(b"junk")
    (user / "locked" / "model.onnx").mkdir(parents=True)
    _install(user, "own", "generated")
    _install(shipped, "shipped", "tampered")
    detectors, refusals = load_installed(folders)
    assert [d.card.name for d in detectors] == ["own", "shipped"]
    bare, junk, locked = (refusal.sentence for refusal in refusals)
    assert bare.startswith("The model bare carries no model card")
    assert junk.startswith("The model junk ")
    assert locked.startswith(f"The model {user / 'locked' / 'model.onnx'} cannot be read: ")
    assert all(isinstance(refusal, ModelRefusedError) for refusal in refusals)


def test_a_broken_model_does_not_answer_for_a_good_one(folders: tuple[Path, Path]) -> None:
    """The tensors do not fit the card, which is found after its questions are known."""
    user, shipped = folders
    document = card(name="a-wrong").to_json()
    write_model(user / "a-wrong" / "model.onnx", document, input_name="picture")
    _install(shipped, "b-right")
    detectors, (refusal,) = load_installed(folders)
    assert [d.card.name for d in detectors] == ["b-right"]
    assert "a-wrong" in refusal.sentence


@pytest.mark.parametrize("content", [None, b"junk"], ids=["no card", "no model"])
def test_a_broken_model_that_is_named_is_refused_and_not_skipped(
    folders: tuple[Path, Path], content: bytes | None
) -> None:
    path = write_model(folders[0] / "bare" / "model.onnx", None)
    if content is not None:
        path.write_bytes(content)
    _install(folders[1], "good", "generated")
    with pytest.raises(ModelRefusedError, match=r"^The model bare ") as caught:
        load_detectors(["good", "bare"], folders)
    if content is None:
        assert "carries no model card" in caught.value.sentence
