import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from app.scan.files import contains, count_files, find_files, walk_files
from app.scan.work import judge_file
from tests.pictures import encoded, noise


def _tree(root: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a/z.png", "c.txt", "B.jpg", ".hidden"):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")


def test_files_are_found_in_a_stable_order(tmp_path: Path) -> None:
    _tree(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path])]
    assert found == [".hidden", "B.jpg", "c.txt", "a/z.png", "b/1.jpg", "b/2.jpg"]


def test_subfolders_are_left_out_on_request(tmp_path: Path) -> None:
    _tree(tmp_path)
    found = [path.name for path in find_files([tmp_path], recursive=False)]
    assert found == [".hidden", "B.jpg", "c.txt"]


def test_roots_keep_their_order_and_a_missing_or_single_file_is_listed(tmp_path: Path) -> None:
    _tree(tmp_path)
    roots = [tmp_path / "gone.jpg", tmp_path / "b", tmp_path / "c.txt", tmp_path / "a"]
    found = [path.relative_to(tmp_path).as_posix() for path in find_files(roots)]
    assert found == ["gone.jpg", "b/1.jpg", "b/2.jpg", "c.txt", "a/z.png"]


def test_a_root_given_twice_gives_each_file_once(tmp_path: Path) -> None:
    _tree(tmp_path)
    once = find_files([tmp_path])
    assert find_files([tmp_path, tmp_path]) == once
    assert find_files([tmp_path, tmp_path / "b", tmp_path / "c.txt"]) == once


def test_a_folder_that_cannot_be_listed_gets_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, photo = tmp_path / "closed", tmp_path / "000.png"
    photo.write_bytes(encoded(noise(16, 16), "PNG"))
    closed.mkdir()
    real = os.scandir

    def refusing(path: str) -> Any:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert sorted(find_files([tmp_path])) == [photo, closed]
    assert find_files([closed]) == [closed]
    assert judge_file(closed, []).status == "unreadable"


def test_a_set_stop_ends_the_search_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tree(tmp_path)
    stop = threading.Event()
    assert find_files([tmp_path], stop=stop) == find_files([tmp_path])
    real, listed = os.scandir, []

    def stopping(path: str) -> Any:
        listed.append(Path(path).name)
        if Path(path).name == "a":
            stop.set()
        return real(path)

    monkeypatch.setattr(os, "scandir", stopping)
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path], stop=stop)]
    assert found == [".hidden", "B.jpg", "c.txt"]
    assert "b" not in listed
    assert find_files([tmp_path, tmp_path / "b"], stop=stop) == []


@pytest.mark.timeout(20)
def test_circles_of_links_end_and_list_each_file_once(tmp_path: Path) -> None:
    _tree(tmp_path)
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "self").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "other").symlink_to(tmp_path / "a")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    found = [path.relative_to(tmp_path).as_posix() for path in find_files([tmp_path])]
    assert sorted(found) == [".hidden", "B.jpg", "a/z.png", "b/1.jpg", "b/2.jpg", "c.txt", "loop"]
    assert judge_file(tmp_path / "loop", []).status == "unreadable"


def test_files_come_while_others_have_not_been_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tree(tmp_path)
    real, listed = os.scandir, []

    def noting(path: str) -> Any:
        listed.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(os, "scandir", noting)
    files = walk_files([tmp_path])
    assert next(files).name == ".hidden"
    assert listed == [tmp_path.name]


def test_overlapping_roots_give_each_file_once_as_first_named(tmp_path: Path) -> None:
    _tree(tmp_path)
    whole = set(find_files([tmp_path]))
    for roots in (
        [tmp_path / "b", tmp_path],
        [tmp_path / "b" / "1.jpg", tmp_path],
        [tmp_path / "b" / ".." / "a", tmp_path / "c.txt", tmp_path, tmp_path / "b"],
    ):
        found = find_files(roots)
        assert len(found) == len(whole)
        assert {path.resolve() for path in found} == {path.resolve() for path in whole}
        assert count_files(roots) == len(whole)
    assert find_files([tmp_path / "b", tmp_path])[:2] == [
        tmp_path / "b" / "1.jpg",
        tmp_path / "b" / "2.jpg",
    ]


def test_a_missing_file_is_listed_even_below_a_root(tmp_path: Path) -> None:
    _tree(tmp_path)
    missing = [tmp_path / "a" / "gone.jpg", tmp_path / ("x" * 300)]
    assert find_files([tmp_path, *missing])[-2:] == missing


def test_a_folder_whose_name_begins_like_another_is_another(tmp_path: Path) -> None:
    for name in ("case", "case 2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    assert len(find_files([tmp_path / "case", tmp_path / "case 2"])) == 2
    assert not contains([tmp_path / "case"], tmp_path / "case 2" / "report.csv")


def test_subfolders_of_a_root_that_is_not_entered_are_roots_of_their_own(tmp_path: Path) -> None:
    _tree(tmp_path)
    found = find_files([tmp_path, tmp_path / "a"], recursive=False)
    assert [path.name for path in found] == [".hidden", "B.jpg", "c.txt", "z.png"]


def test_a_place_in_a_root_is_found_through_links_and_dots(tmp_path: Path) -> None:
    (tmp_path / "case" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "case" / "sub")
    roots = [tmp_path / "case"]
    for inside in ("case/new.csv", "case/sub/new.csv", "link/new.csv", "case/../case/x"):
        assert contains(roots, tmp_path / inside)
    for outside in ("new.csv", "case.csv", "case/../new.csv"):
        assert not contains(roots, tmp_path / outside)


def test_paths_of_thousands_of_characters_get_a_row(tmp_path: Path) -> None:
    """Names of 250 characters, nested until the system takes no longer path."""
    folder, depth = tmp_path, 0
    while depth < 12:
        folder = folder / ("x" * 250)
        folder.mkdir()
        depth += 1
    (folder / "photo.png").write_bytes(encoded(noise(16, 16), "PNG"))
    (path,) = find_files([tmp_path])
    assert judge_file(path, []).status == "ok"
