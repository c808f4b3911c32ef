"""Reading CASIA 1.0: names, sources, faults, wrong layouts."""

from pathlib import Path

import pytest
from PIL import Image

from tests.trainer.corpus import write_casia1, write_mask
from trainer.corpus.casia import read_casia1
from trainer.corpus.read import read_corpus
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
        "Au/Au_ani_0000.jpg",
        "Au/Thumbs.db",
        "Sp/Sp_D_NNN_A_ani0001_ani0002_0900.jpg",
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


def test_forgery_among_the_authentic_is_named_and_left_out(tmp_path: Path) -> None:
    write_casia1(tmp_path, 2)
    stray = "Sp_S_NNN_A_ani0000_ani0000_0000.jpg"
    (tmp_path / "Sp" / stray).rename(tmp_path / "Au" / stray)
    examples, left_out = read_casia1(tmp_path)
    assert stray not in {example.path.name for example in examples}
    assert left_out == [f"Au/{stray}: by its name it belongs into the other folder"]


def test_masks_with_faults_are_named_and_their_pictures_stay(tmp_path: Path) -> None:
    """The faults of the official set, one broken mask, and one in another place's habit."""
    write_casia1(tmp_path, 8)
    names = sorted(path.stem for path in (tmp_path / "Sp").iterdir())
    good, elsewhere, transposed, small, broken, *missing = names
    masks = tmp_path / "masks"
    write_mask(masks / f"{good}_gt.png")
    write_mask(masks / "Sp" / f"{elsewhere.lower()}_gt.png")
    write_mask(masks / f"{transposed}_gt.png", (96, 128))
    write_mask(masks / f"{small}_gt.png", (64, 48))
    (masks / f"{broken}_gt.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    corpus = read_corpus(tmp_path)
    assert (corpus.layout, len(corpus.examples)) == ("casia1", 16)
    masked = {e.path.stem: e.mask for e in corpus.examples if e.mask is not None}
    assert masked == {
        good: masks / f"{good}_gt.png",
        elsewhere: masks / "Sp" / f"{elsewhere.lower()}_gt.png",
    }
    told = {sentence.split(".jpg: ")[0]: sentence for sentence in corpus.left_out[:3]}
    assert set(told) == {f"Sp/{name}" for name in (transposed, small, broken)}
    assert "is transposed: it has 96 x 128 pixels, the picture 128 x 96" in told[f"Sp/{transposed}"]
    assert "it has 64 x 48 pixels" in told[f"Sp/{small}"]
    assert corpus.left_out[3:] == (
        f"masks/ has no mask for 3 of 8 forgeries: {', '.join(f'{m}.jpg' for m in missing)}.",
    )


@pytest.mark.data
@pytest.mark.slow
def test_the_official_set_is_read_whole(shared_data: Path) -> None:
    """Counts as published: 800 authentic, 921 tampered; 920 masks, of which one is transposed."""
    corpus = read_corpus(shared_data / "casia1")
    assert sum(example.label == 0 for example in corpus.examples) == 800
    assert sum(example.label == 1 for example in corpus.examples) == 921
    assert sum(example.mask is not None for example in corpus.examples) == 919
    transposed, missing = corpus.left_out
    assert "Sp_D_CNN_A_sec0012_ani0007_0275" in transposed
    assert "1 of 921 forgeries: Sp_D_NRN_A_sce0011_cha0011_0542.jpg" in missing
    examples, left_out = read_casia1(shared_data / "casia1")
    assert left_out == []
    assert examples == list(corpus.examples)
