"""Reading CASIA 2.0: names, formats, masks, and comparing a copy with the official names."""

import hashlib
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.trainer.corpus import photograph, write_casia1, write_casia2, write_lists
from trainer.corpus.casia import list_casia1
from trainer.corpus.casia2 import official_names, parse_name
from trainer.corpus.read import check_names, read_corpus
from trainer.errors import CorpusError


def test_kinds_sources_and_masks_come_from_the_names(tmp_path: Path) -> None:
    corpus = read_corpus(write_casia2(tmp_path))
    assert (corpus.name, corpus.layout, corpus.left_out) == ("CASIA 2.0", "casia2", ())
    found = {e.path.name: (e.label, e.kind, set(e.sources)) for e in corpus.examples}
    assert found == {
        "Au_ani_00001.jpg": (0, "authentic", {"ani0001"}),
        "Au_ani_10002.jpg": (0, "authentic", {"ani10002"}),
        "Au_sec_30724.bmp": (0, "authentic", {"sec30724"}),
        "Au_txt_00071.jpg": (0, "authentic", {"txt0071"}),
        "Tp_D_CRN_M_N_ani00001_ani10002_00148.tif": (1, "splice", {"ani0001", "ani10002"}),
        "Tp_S_CnN_S_N_txt00071_txt00071_01297.jpg": (1, "copy-move", {"txt0071"}),
    }
    masks = {e.path.stem: e.mask for e in corpus.examples if e.label}
    for stem, mask in masks.items():
        assert mask == tmp_path / "Groundtruth" / f"{stem}_gt.png"
    assert [e.path for e in corpus.examples] == sorted(e.path for e in corpus.examples)


def test_ids_are_those_of_casia1_so_that_both_sets_know_common_sources(tmp_path: Path) -> None:
    one = read_corpus(write_casia1(tmp_path / "1", 4))
    two = read_corpus(write_casia2(tmp_path / "2"))
    assert {"ani0000", "arc0001"} <= {s for e in one.examples for s in e.sources}
    assert {"ani0001"} == {s for e in two.examples for s in e.sources if s.startswith("ani0")}


@pytest.mark.parametrize(
    ("inner", "masks"),
    [("CASIA2", "CASIA2/CASIA 2 Groundtruth"), ("CASIA2.0_revised", "CASIA2.0_Groundtruth")],
)
def test_folders_as_the_archives_unpack_are_found(tmp_path: Path, inner: str, masks: str) -> None:
    write_casia2(tmp_path / inner)
    (tmp_path / inner / "Groundtruth").rename(tmp_path / masks)
    corpus = read_corpus(tmp_path)
    assert sum(e.mask is not None for e in corpus.examples) == 2


def test_faulty_files_are_named_and_left_out(tmp_path: Path) -> None:
    write_casia2(tmp_path)
    (tmp_path / "Au" / "Thumbs.db").write_bytes(b"\x00" * 40)
    truncated = tmp_path / "Au" / "Au_ani_00001.jpg"
    truncated.write_bytes(truncated.read_bytes()[:300])
    Image.new("RGB", (2, 2)).save(tmp_path / "Tp" / "Tp_S_NNN_S_N_ani00007_ani00007_00900.tif")
    next((tmp_path / "Groundtruth").glob("Tp_D*")).unlink()
    corpus = read_corpus(tmp_path)
    assert len(corpus.examples) == 5
    names = [sentence.split(":")[0] for sentence in corpus.left_out[:3]]
    assert names == [
        "Au/Au_ani_00001.jpg",
        "Au/Thumbs.db",
        "Tp/Tp_S_NNN_S_N_ani00007_ani00007_00900.tif",
    ]
    # The 2-pixel forgery has none either.
    assert corpus.left_out[3].startswith("Groundtruth/ has no mask for 2 of 3 forgeries: Tp_D")


def test_wrong_layouts_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="expected the folders Au/ and Tp/"):
        read_corpus(write_casia1(tmp_path / "1", 2), "casia2")
    with pytest.raises(CorpusError, match="expected the folders Au/ and Sp/"):
        read_corpus(write_casia2(tmp_path / "2"), "casia1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"no known data set: expected .*Sp/.*Tp/.*CSV.*ai/"):
        read_corpus(tmp_path / "empty")
    with pytest.raises(CorpusError, match="does not exist"):
        read_corpus(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="no layout 'casia3'; known are auto, casia1"):
        read_corpus(tmp_path / "empty", "casia3")


def test_one_class_is_refused_in_a_sentence(tmp_path: Path) -> None:
    write_casia2(tmp_path)
    for path in (tmp_path / "Tp").iterdir():
        path.unlink()
    with pytest.raises(CorpusError, match=r"no usable tampered picture .*both classes are needed"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match="no usable generated picture"):
        read_corpus(tmp_path, positive="generated")


def test_one_kind_can_be_asked_for_alone(tmp_path: Path) -> None:
    corpus = read_corpus(write_casia2(tmp_path), positive="copy-move")
    assert sum(e.label for e in corpus.examples) == 1
    assert corpus.left_out == (
        "Not used for the question 'copy-move': 1 pictures of the kind 'splice'.",
    )


def test_equal_files_with_different_labels_are_both_left_out(tmp_path: Path) -> None:
    write_casia2(tmp_path)
    shutil.copyfile(
        tmp_path / "Au" / "Au_txt_00071.jpg",
        tmp_path / "Tp" / "Tp_S_NNN_S_N_txt00071_txt00071_00001.jpg",
    )
    corpus = read_corpus(tmp_path)
    assert len(corpus.examples) == 5
    assert "Au_txt_00071.jpg (authentic) and Tp_S_NNN" in " ".join(corpus.left_out)


def test_copy_is_compared_with_the_official_names(tmp_path: Path) -> None:
    root = write_casia2(tmp_path / "copy")
    lists = write_lists(root, tmp_path / "lists")
    assert check_names(read_corpus(root), lists) == []
    (root / "Au" / "Au_ani_00001.jpg").unlink()
    renamed = root / "Tp" / "Tp_S_CnN_S_N_txt00071_txt00071_01297.jpg"
    renamed.rename(renamed.with_name("Tp_S_CNN_S_N_txt00071_txt00071_01297.jpg"))
    Image.fromarray(photograph(1)).save(root / "Au" / "Au_ani_99999.jpg")
    assert check_names(read_corpus(root), lists) == [
        "Au/ lacks 1: Au_ani_00001.jpg (of 4 listed).",
        "Au/ has files that are not listed: 1: Au_ani_99999.jpg.",
        "Tp/ has other names: 1: Tp_S_CNN_S_N_txt00071_txt00071_01297.jpg instead of "
        "Tp_S_CnN_S_N_txt00071_txt00071_01297.jpg.",
    ]
    shutil.rmtree(root / "Groundtruth")
    corpus = read_corpus(root)
    assert "Groundtruth/ is missing; the official list has 2 masks." in check_names(corpus, lists)
    (lists / "tp_list.txt").unlink()
    with pytest.raises(CorpusError, match=r"tp_list\.txt cannot be read"):
        check_names(corpus, lists)


@pytest.mark.data
def test_every_official_name_is_understood(shared_data: Path) -> None:
    """Counts of the official set: 7,491 authentic, 5,123 tampered, a mask list with two faults."""
    folder = shared_data / "casia2_sample"
    authentic = official_names(folder / "au_list.txt")
    forged = official_names(folder / "tp_list.txt")
    masks = official_names(folder / "groundtruth_list.txt")
    assert (len(authentic), len(forged), len(masks)) == (7491, 5123, 5122)
    assert {kind for name in authentic for kind in [_kind(name)]} == {"authentic"}
    assert {kind for name in forged for kind in [_kind(name)]} == {"splice", "copy-move"}
    missing = {Path(name).stem for name in forged} - {
        name.removesuffix("_gt.png") for name in masks
    }
    assert missing == {"Tp_S_NRN_S_O_sec00036_sec00036_00764"}


@pytest.mark.data
def test_the_sample_is_read_whole_and_its_gaps_are_counted(shared_data: Path) -> None:
    root = shared_data / "casia2_sample"
    corpus = read_corpus(root)
    assert sum(e.label == 0 for e in corpus.examples) == 37
    assert sum(e.label == 1 for e in corpus.examples) == 33
    assert sum(e.mask is not None for e in corpus.examples) == 17
    assert [s.split(":")[0] for s in corpus.left_out] == [
        "Groundtruth/ has no mask for 16 of 33 forgeries"
    ]
    assert [s.split(":")[0] for s in check_names(corpus, root)] == [
        "Au/ lacks 7454",
        "Tp/ lacks 5090",
        "Groundtruth/ lacks 5105",
    ]


@pytest.mark.data
def test_pictures_of_casia1_keep_their_id_in_casia2(shared_data: Path) -> None:
    """Why ids are written alike: whatever both sets hold bit for bit has the same id."""
    shared = 0
    by_content = {
        hashlib.sha256(item.path.read_bytes()).hexdigest(): item.sources
        for item in list_casia1(shared_data / "casia1").pictures
    }
    for example in read_corpus(shared_data / "casia2_sample").examples:
        if example.sha256 in by_content:
            shared += 1
            assert example.sources == by_content[example.sha256]
    assert shared == 22


def _kind(name: str) -> str:
    parsed = parse_name(name)
    assert parsed is not None, name
    return parsed[0]
