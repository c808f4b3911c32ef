from pathlib import Path

import pytest

from app.detection.library import find_models, load_detectors, resolve_model
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
    assert [d.card.name for d in load_detectors([], folders)] == ["z-own", "b-shipped"]


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


def test_a_model_without_a_card_in_a_folder_is_refused_and_not_skipped(
    folders: tuple[Path, Path],
) -> None:
    write_model(folders[0] / "bare" / "model.onnx", None)
    with pytest.raises(ModelRefusedError, match="The model bare carries no model card"):
        load_detectors([], folders)
