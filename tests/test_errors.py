import pickle

import pytest

from app import errors
from app.errors import ElascopeError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ElascopeError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_sentence_detail_and_kind_survive_a_process_boundary(kind: type[ElascopeError]) -> None:
    error = pickle.loads(pickle.dumps(kind("A sentence.", "a detail")))
    assert type(error) is kind
    assert (error.sentence, error.detail, str(error)) == ("A sentence.", "a detail", "A sentence.")


def test_statuses_are_the_documented_words() -> None:
    assert {kind.status for kind in KINDS} == {
        "error",
        "unreadable",
        "unsupported",
        "broken",
        "too_large",
        "timed_out",
        "crashed",
    }
