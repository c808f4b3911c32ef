import os
from pathlib import Path
from typing import Any

import pytest

from app.errors import UnreadableFileError
from app.foreign_json import (
    FaultError,
    NotJsonError,
    deeper_than,
    parse,
    read_start,
    typed,
    typed_digest,
)


def test_json_is_read_with_and_without_byte_order_mark() -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        assert parse(mark + '{"a": ["é", 1.5, null]}'.encode()) == {"a": ["é", 1.5, None]}


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b"[NaN]", b"[-Infinity]", b"[" * 100_000, b"[" + b"9" * 5000 + b"]"],
    ids=["empty", "cut off", "no UTF-8", "no number", "infinite", "deep", "long number"],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(data)


@pytest.mark.parametrize("data", [b'{"a": 1, "b": {}, "a": 1}', b'[{"x": {"a": 1, "\\u0061": 2}}]'])
def test_a_name_that_stands_twice_in_an_object_is_a_fault(data: bytes) -> None:
    with pytest.raises(FaultError, match=r'^it names "a" twice$'):
        parse(data)
    assert parse(b'[{"a": 1}, {"a": 2}]') == [{"a": 1}, {"a": 2}]


def test_depth_is_counted_in_lists_and_objects() -> None:
    value: Any = [{"a": [1]}]
    assert deeper_than(2, value)
    assert not deeper_than(3, value)


@pytest.mark.parametrize(
    ("raw", "kind", "fault"),
    [
        ({}, str, "in.a is missing"),
        ({"a": 1}, str, "in.a is not text"),
        ({"a": True}, int, "in.a is not a whole number"),
        ({"a": 1.0}, int, "in.a is not a whole number"),
        ({"a": "1"}, int | float, "in.a is not a number"),
        ({"a": {}}, list, "in.a is not a list"),
        ({"a": []}, dict, "in.a is not an object"),
    ],
)
def test_a_value_of_another_kind_is_a_fault(raw: dict[str, Any], kind: Any, fault: str) -> None:
    with pytest.raises(FaultError, match=f"^{fault}$"):
        typed(raw, "a", kind, "in")


def test_a_digest_has_64_small_hexadecimal_digits() -> None:
    assert typed_digest({"a": "0f" * 32}, "a") == "0f" * 32
    for text in ("0F" * 32, "0f" * 31, "0g" * 32, ""):
        with pytest.raises(FaultError, match=r"^a is not a SHA-256 digest$"):
            typed_digest({"a": text}, "a")


def test_only_the_start_of_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_start(tmp_path / "file", 3) == b"123"
    assert read_start(tmp_path / "file", 9) == b"12345"


def test_what_is_no_file_is_named_in_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFileError, match=r"^pipe is not a file\.$"):
        read_start(tmp_path / "pipe", 1)
    with pytest.raises(UnreadableFileError, match=r"^\. is not a file\.$"):
        read_start(Path(), 1)
    with pytest.raises(UnreadableFileError, match=r"^none cannot be read: No such file"):
        read_start(tmp_path / "none", 1)
