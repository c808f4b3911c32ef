import sys
from pathlib import Path

import pytest

from app.paths import licences, model_folders, resources, user_cache, user_data


def test_resources_of_a_checkout_lie_beside_the_package(repository: Path) -> None:
    assert resources() in (repository / "resources", repository / "app" / "resources")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is for other systems")
def test_the_users_folder_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_data() == tmp_path / "elascope"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_data() == tmp_path / ".local" / "share" / "elascope"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is for other systems")
def test_the_users_cache_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "elascope"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_cache() == tmp_path / ".cache" / "elascope"
    assert user_cache() not in (user_data(), *user_data().parents)


def test_the_users_models_come_before_the_shipped_ones() -> None:
    assert model_folders() == (user_data() / "models", resources() / "models")


def test_licences_are_those_of_this_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any("MIT" in path.name for path in licences().iterdir())
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "Contents" / "MacOS" / "elascope"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert licences() == tmp_path / "Contents" / "MacOS" / "licences"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert licences() == tmp_path / "Contents" / "Resources" / "licences"
