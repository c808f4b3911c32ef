"""Reading CASIA 1.0: names, sources, faults, wrong layouts."""

from pathlib import Path

import pytest
from PIL import Image

from tests.trainer.corpus import write_casia1
from trainer.corpus.casia import read_casia1
from trainer.errors import CorpusError


def test_labels_kinds_and_sources_come_from_the_names(tmp_path: Path) -> None:
    examples, left_out = read_casia1(write_casia1(tmp_path, 4))
    assert left_out == []
    by_name = {example.path.name: example for example in examples}
    authentic = by_name["Au_arc_0001.jpg"]
    assert (authentic.label, authentic.kind) == (0, "authentic")
    assert authentic.sources == {"arc0001"}
    forged = by_name["Sp_D_NNN_A_arc0001_arc0001_0001.jpg"]
    assert (forged.label, forged.kind, forged.sources) == (1, "splice", {"arc0001"})
    assert by_name["Sp_S_NNN_A_ani0000_ani0000_0000.jpg"].kind == "copy-move"


def test_names_of_the_official_set_that_deviate_are_read(tmp_path: Path) -> None:
    write_casia1(tmp_path, 2)
    picture = next((tmp_path / "Au").iterdir())
    names = ("Sp/Sp_D_NNN_A_ani0099_ani0100.0288.jpg", "Au/Au_cha_0048.JPG")
    for name in names:
        (tmp_path / name).write_bytes(picture.read_bytes())
    examples, left_out = read_casia1(tmp_path)
    assert left_out == []
    found = {example.path.name: example.sources for example in examples}
    assert found["Sp_D_NNN_A_ani0099_ani0100.0288.jpg"] == {"ani0099", "ani0100"}
    assert found["Au_cha_0048.JPG"] == {"cha0048"}


def test_faulty_files_are_named_and_left_out(tmp_path: Path) -> None:
    write_casia1(tmp_path, 4)
    (tmp_path / "Au" / "Thumbs.db").write_bytes(b"\x00" * 40)
    truncated = tmp_path / "Au" / "Au_ani_0000.jpg"
    truncated.write_bytes(truncated.read_bytes()[:300])
    Image.new("RGB", (2, 2)).save(tmp_path / "Sp" / "Sp_D_NNN_A_ani0001_ani0002_0900.jpg")
    examples, left_out = read_casia1(tmp_path)
    assert len(examples) == 7
    assert [sentence.split(":")[0] for sentence in left_out] == [
        "Au_ani_0000.jpg",
        "Thumbs.db",
        "Sp_D_NNN_A_ani0001_ani0002_0900.jpg",
    ]
    assert "only 2 x 2 pixels" in left_out[2]


def test_wrong_layout_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="expected the folders Au/ and Sp/"):
        read_casia1(tmp_path)


def test_one_class_is_refused_in_a_sentence(tmp_path: Path) -> None:
    write_casia1(tmp_path, 2)
    for path in (tmp_path / "Sp").iterdir():
        path.unlink()
    with pytest.raises(CorpusError, match="Sp holds no usable picture"):
        read_casia1(tmp_path)


@pytest.mark.data
@pytest.mark.slow
def test_the_official_set_is_read_whole(shared_data: Path) -> None:
    """Counts as published: 800 authentic, 921 tampered."""
    examples, left_out = read_casia1(shared_data / "casia1")
    assert left_out == []
    assert sum(example.label == 0 for example in examples) == 800
    assert sum(example.label == 1 for example in examples) == 921
