"""A CSV manifest: columns, relative paths, and every way in which a row can be wrong."""

import hashlib
from pathlib import Path

import pytest

from tests.trainer.corpus import write_casia1, write_tree
from trainer.corpus.read import read_corpus
from trainer.errors import CorpusError


def write(path: Path, *lines: str) -> Path:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path


def test_all_columns_are_read(tmp_path: Path) -> None:
    root = write_tree(tmp_path)
    digest = hashlib.sha256((root / "tampered" / "beach.jpg").read_bytes()).hexdigest()
    manifest = write(
        root / "list.csv",
        "\ufeffpath,Label,group,mask,generator,licence,corpus,sha256,remark",
        "authentic/beach.jpg,authentic,b1,,,CC0,Holidays,,",
        f"tampered/beach.jpg,splice,b1; b2,masks/beach_gt.png,,CC0,Holidays,{digest.upper()},x",
        "ai/diffusion/a.png,ai,,,Diffusion 2,MIT,,,",
    )
    corpus = read_corpus(manifest)
    assert (corpus.name, corpus.layout) == ("list", "manifest")
    authentic, forged = corpus.examples
    assert (authentic.label, authentic.sources, authentic.licence) == (0, {"b1"}, "CC0")
    assert (forged.kind, forged.label, forged.sources) == ("splice", 1, {"b1", "b2"})
    assert (forged.corpus, forged.sha256) == ("Holidays", digest)
    assert forged.mask == root / "masks" / "beach_gt.png"
    generated = read_corpus(manifest, positive="generated").examples[0]
    assert (generated.kind, generated.label) == ("generated", 1)
    assert (generated.generator, generated.licence) == ("Diffusion 2", "MIT")
    assert generated.sources == {"ai/diffusion/a.png"}


def test_group_may_be_missing_and_names_of_casia_still_tell_it(tmp_path: Path) -> None:
    write_casia1(tmp_path, 2)
    write(
        tmp_path / "manifest.csv",
        "path,label,source",
        "Au/Au_ani_0000.jpg,authentic,CASIA ITDE 1.0",
        "Sp/Sp_D_NNN_A_arc0001_arc0001_0001.jpg,tampered,CASIA ITDE 1.0",
    )
    corpus = read_corpus(tmp_path, "manifest")
    assert [(e.kind, set(e.sources)) for e in corpus.examples] == [
        ("authentic", {"ani0000"}),
        ("splice", {"arc0001"}),
    ]
    assert {e.corpus for e in corpus.examples} == {"CASIA ITDE 1.0"}


def test_faulty_rows_are_named_and_left_out(tmp_path: Path) -> None:
    root = write_tree(tmp_path)
    write(
        root / "manifest.csv",
        "path,label,sha256",
        "authentic/beach.jpg,authentic,",
        "tampered/beach.jpg,tampered,",
        "tampered/street/1.png,tampered," + 64 * "0",
        "authentic/street/1.png,authetic,",
        "authentic/street/2.png",
        "tampered/beach.jpg,authentic,",
        "nowhere.jpg,authentic,",
        ",authentic,",
        "authentic,authentic,",
    )
    corpus = read_corpus(root / "manifest.csv")
    assert len(corpus.examples) == 2
    told = " | ".join(corpus.left_out)
    for part in (
        "tampered/street/1.png: the content is not the listed one (its SHA-256 differs)",
        "authentic/street/1.png: line 5 has the label 'authetic'; known are authentic, generated",
        "manifest.csv: line 6 has more or fewer fields than the header",
        "tampered/beach.jpg: line 7 lists it a second time",
        "nowhere.jpg: The file cannot be read: No such file or directory.",
        "manifest.csv: line 9 names no file",
        "authentic: The file cannot be read: Is a directory.",
    ):
        assert part in told
    assert len(corpus.left_out) == 7


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "must name the columns path and label; path and label is missing"),
        (b"path,kind\r\nx,y\r\n", "label is missing"),
        (b'path,label\r\n"x,authentic\r\n', "not a readable CSV file"),
        (b"path,label\r\n" + b"x" * 200_000 + b",authentic\r\n", "not a readable CSV file"),
        (b"path,label\r\n", "no usable authentic picture"),
        (bytes(range(256)), "manifest"),
    ],
)
def test_unusable_manifests_are_refused_in_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "manifest.csv"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=sentence):
        read_corpus(path)


def test_missing_manifest_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read: No such file"):
        read_corpus(tmp_path, "manifest")


@pytest.mark.data
@pytest.mark.slow
def test_the_shared_manifest_is_read_whole(shared_data: Path) -> None:
    """Counts from its README; every stated hash and mask is checked on the way."""
    corpus = read_corpus(shared_data)
    assert sum(e.label == 0 for e in corpus.examples) == 1202
    assert sum(e.label == 1 for e in corpus.examples) == 954
    transposed, generated = corpus.left_out
    assert "Sp_D_CNN_A_sec0012_ani0007_0275" in transposed
    assert "261 pictures of the kind 'generated'" in generated
