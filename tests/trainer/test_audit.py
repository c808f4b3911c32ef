"""The audit: what leaks is found, what does not leak is not accused, and nothing is written."""

import argparse
import dataclasses
import hashlib
import html.parser
import json
import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from app.errors import NotWrittenError
from app.evidence.jpeg import QualityEstimate
from tests.trainer.corpus import photograph, write_casia1
from trainer.audit import headers as headers_module
from trainer.audit.findings import Audit, audit
from trainer.audit.headers import OTHER_FORMAT, UNREADABLE, Header, read_header, read_headers
from trainer.audit.page import audit_page
from trainer.audit.readability import Readability, readability, source_disjoint_folds
from trainer.audit.sources import weigh_sources
from trainer.audit.text import WIDTH, audit_text
from trainer.audit.words import verdicts
from trainer.commands.audit import add_audit
from trainer.corpus import Example
from trainer.corpus.read import read_corpus
from trainer.errors import CorpusError

ODD_NAME = "<b onclick=x>&$a$\n\udcff.jpg"


def example(number: int, label: int, *sources: str) -> Example:
    """An example without a file; alone with its source unless others are given."""
    kind = "splice" if label else "authentic"
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    named = frozenset(sources or {f"own{number}"})
    return Example(Path(f"{number}.jpg"), digest, label, kind, named)


def saved_at(quality: int) -> Header:
    """A JPEG header that differs from others by its quality only."""
    estimate = QualityEstimate(quality, True)
    return Header("JPEG", 1000, 64, 64, (quality,) * 64, "4:2:0", False, estimate)


def found(entries: tuple[Readability, ...], feature: str) -> Readability:
    return next(entry for entry in entries if entry.feature == feature)


def save(path: Path, seed: int, quality: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photograph(seed)).save(os.fsencode(path), "JPEG", quality=quality)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CASIA's layout with 20 authentic files of quality 95 and 20 forgeries of quality 75."""
    return write_casia1(tmp_path_factory.mktemp("leaky") / "casia", 20)


@pytest.fixture(scope="module")
def leaky_audit(leaky: Path) -> Audit:
    return audit(read_corpus(leaky))


def test_save_settings_that_give_the_label_away_are_found(leaky_audit: Audit) -> None:
    container = leaky_audit.container()
    assert container is not None
    assert (container.balanced_accuracy, container.low, container.accuracy) == (1, 1, 1)
    assert container.values == 2
    assert "measure save settings" in verdicts(leaky_audit)[0]
    assert "balanced accuracy 1.000" in verdicts(leaky_audit)[0]


def test_what_is_counted_is_what_was_saved(leaky_audit: Audit) -> None:
    assert leaky_audit.files == (20, 20)
    assert leaky_audit.counts["quality"] == {"75": (0, 20), "95": (20, 0)}
    assert leaky_audit.counts["luma table"] == {"IJG 75": (0, 20), "IJG 95": (20, 0)}
    assert leaky_audit.counts["format"] == {"JPEG": (20, 20)}
    assert leaky_audit.counts["EXIF"] == {"none": (20, 20)}
    assert leaky_audit.counts["subsampling"] == {"4:2:0": (20, 20)}
    assert leaky_audit.counts["coding"] == {"sequential": (20, 20)}
    assert leaky_audit.counts["kind"] == {
        "authentic": (20, 0),
        "copy-move": (0, 10),
        "splice": (0, 10),
    }
    assert leaky_audit.sizes == ((128, 96, 20, 20),)
    negatives, positives = leaky_audit.spreads["megapixels"]
    assert negatives is not None and negatives.median == pytest.approx(128 * 96 / 1e6)
    assert positives is not None and positives.highest == pytest.approx(128 * 96 / 1e6)


def test_one_range_of_qualities_for_both_classes_is_not_accused(tmp_path: Path) -> None:
    for number in range(40):
        for folder, seed in (("authentic", number), ("tampered", 100 + number)):
            # Every fourth file has another quality, in both classes alike.
            save(tmp_path / folder / f"{folder}{number}.jpg", seed, 75 if number % 4 else 90)
    result = audit(read_corpus(tmp_path), near=False)
    container = result.container()
    assert container is not None and container.balanced_accuracy <= 0.6
    assert verdicts(result)[0].startswith("No more than chance")


def test_the_figures_of_a_partial_leak_are_those_computed_by_hand() -> None:
    """30 of 40 negatives have a quality of their own; the other 10 look like the positives."""
    examples = [example(number, int(number >= 40)) for number in range(80)]
    headers = [saved_at(80 if number < 30 else 75) for number in range(80)]
    entries = readability(examples, headers)
    for feature in ("container", "luma table", "quality"):
        entry = found(entries, feature)
        assert entry.balanced_accuracy == pytest.approx((30 / 40 + 1) / 2)
        assert entry.accuracy == pytest.approx(70 / 80)
        deviation = (0.75 * 0.25 / 40) ** 0.5 / 2
        assert entry.low == pytest.approx(0.875 - 1.96 * deviation, abs=0.015)
        assert entry.high == pytest.approx(0.875 + 1.96 * deviation, abs=0.015)
    assert found(entries, "width and height").balanced_accuracy == pytest.approx(0.5)


def test_what_tells_sources_apart_does_not_count_as_telling_the_label() -> None:
    """Every source has its own table: a lookup that had seen the source would be right always."""
    examples = [
        example(4 * source + copy, source % 2, f"s{source}")
        for source in range(30)
        for copy in range(4)
    ]
    headers = [saved_at(1 + number // 4) for number in range(len(examples))]
    assert found(readability(examples, headers), "container").balanced_accuracy == 0.5


@pytest.mark.parametrize("varied", [0, 1])
def test_the_label_that_brings_ever_new_tables_is_recognised_by_that(varied: int) -> None:
    examples = [example(number, number % 2) for number in range(80)]
    headers = [saved_at(number if number % 2 == varied else 99) for number in range(80)]
    assert found(readability(examples, headers), "container").balanced_accuracy == 1


def test_folds_share_neither_source_nor_content_and_ask_about_every_file_once() -> None:
    """One web over all sources, and two files of equal content under different sources."""
    web = [example(number, 1, f"s{number}", f"s{number + 1}") for number in range(40)]
    twin = dataclasses.replace(example(900, 0), sha256=web[3].sha256)
    examples = [*web, twin, *(example(100 + n, 0, f"s{n}") for n in range(40))]
    folds = source_disjoint_folds(examples)
    assert sorted(index for _, asked in folds for index in asked) == list(range(len(examples)))
    for learned, asked in folds:
        known = {key for i in learned for key in (*examples[i].sources, examples[i].sha256)}
        tried = {key for i in asked for key in (*examples[i].sources, examples[i].sha256)}
        assert known.isdisjoint(tried)
        assert len(learned) > len(examples) / 3


def test_one_label_has_no_readability() -> None:
    examples = [example(number, 0) for number in range(5)]
    assert readability(examples, [saved_at(75)] * 5) == ()


def test_headers_agree_with_what_pillow_wrote(tmp_path: Path) -> None:
    picture = Image.fromarray(photograph(1))
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    picture.save(tmp_path / "a.bin", "JPEG", quality=83, subsampling=0, progressive=True, exif=exif)
    picture.save(tmp_path / "b.jpg", "PNG")
    picture.save(tmp_path / "c.tif", "TIFF")
    picture.save(tmp_path / "d.webp", "WEBP", exif=exif)
    picture.save(tmp_path / "e.gif", "GIF")
    picture.save(tmp_path / "f.bmp", "BMP")
    (tmp_path / "g.jpg").write_bytes(b"no picture")
    (tmp_path / "h.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    jpeg = read_header(tmp_path / "a.bin")
    assert (jpeg.format, jpeg.width, jpeg.height) == ("JPEG", 128, 96)
    assert (jpeg.quality, jpeg.subsampling) == (QualityEstimate(83, True), "4:4:4")
    assert jpeg.progressive and jpeg.exif and jpeg.table_family() == "IJG 83"
    assert jpeg.size == (tmp_path / "a.bin").stat().st_size
    others = [read_header(path) for path in sorted(tmp_path.iterdir())[1:6]]
    assert [header.format for header in others] == ["PNG", "TIFF", "WebP", "GIF", "BMP"]
    assert {(header.width, header.height) for header in others} == {(128, 96)}
    assert [header.exif for header in others] == [False, False, True, False, False]
    assert read_header(tmp_path / "g.jpg").format == OTHER_FORMAT
    assert read_header(tmp_path / "h.jpg").width is None
    assert read_header(tmp_path / "missing.jpg").format == UNREADABLE


def test_tables_of_an_encoders_own_are_told_apart(tmp_path: Path) -> None:
    picture = Image.fromarray(photograph(1))
    for name, value in (("a", 3), ("b", 4)):
        picture.save(tmp_path / name, "JPEG", qtables=[[value] * 64, [value] * 64])
    families = [read_header(tmp_path / name).table_family() for name in ("a", "b")]
    assert families[0] != families[1]
    assert all(family.startswith("own ") for family in families)


def test_an_interruption_gives_up_what_is_still_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def slow(path: Path) -> Header:
        asked.append(path)
        threading.Event().wait(0.02)
        return Header(UNREADABLE)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(headers_module, "read_header", slow)
    monkeypatch.setattr(headers_module, "tqdm", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_headers([Path(str(number)) for number in range(400)])
    assert len(asked) < 400


def test_a_file_with_both_labels_is_named_as_a_fault(tmp_path: Path) -> None:
    for folder in ("authentic", "tampered"):
        for number in range(4):
            save(tmp_path / folder / f"{folder}{number}.jpg", number + 50 * len(folder), 80)
    copied = (tmp_path / "authentic" / "authentic0.jpg").read_bytes()
    (tmp_path / "tampered" / "x.jpg").write_bytes(copied)
    (tmp_path / "authentic" / "y.jpg").write_bytes(
        (tmp_path / "authentic" / "authentic1.jpg").read_bytes()
    )
    save(tmp_path / "tampered" / "z.jpg", 2 + 50 * len("authentic"), 60)
    result = audit(read_corpus(tmp_path))
    assert len(result.conflicts) == 1
    assert "authentic0.jpg" in result.conflicts[0] and "x.jpg" in result.conflicts[0]
    assert result.duplicates.exact == (("authentic/authentic1.jpg", "authentic/y.jpg"),)
    assert result.duplicates.near == (("authentic/authentic2.jpg", "tampered/z.jpg"),)
    assert result.duplicates.near_across == 1
    sentences = " ".join(verdicts(result))
    assert "1 group of equal files with both labels: a fault of the corpus" in sentences
    assert "1 group of equal files with one label" in sentences
    assert "1 group of nearly equal pictures that name no common source, 1 of them" in sentences
    assert "Equal files with both labels" in audit_text(result)


def test_equal_files_of_mixed_corpora_with_both_labels_are_a_fault_too(tmp_path: Path) -> None:
    for folder in ("authentic", "tampered"):
        save(tmp_path / folder / f"{folder}.jpg", len(folder), 80)
    corpus = read_corpus(tmp_path)
    twin = dataclasses.replace(corpus.examples[0], label=1, path=tmp_path / "other.jpg")
    result = audit(dataclasses.replace(corpus, examples=(*corpus.examples, twin)), near=False)
    assert result.duplicates.contradicting == (("authentic/authentic.jpg", "other.jpg"),)
    assert "a fault of the corpus" in " ".join(verdicts(result))


def test_sources_hang_together_as_drawn_by_hand() -> None:
    """A chain a - b - c of five files, d with its forgery, and two files of equal content."""
    chain = [example(0, 0, "a"), example(1, 0, "b"), example(2, 0, "c")]
    chain += [example(3, 1, "a", "b"), example(4, 1, "b", "c")]
    pair = [example(5, 0, "d"), example(6, 1, "d")]
    twins = [example(7, 0, "e"), dataclasses.replace(example(7, 0, "f"), path=Path("f.jpg"))]
    sources = weigh_sources([*chain, *pair, *twins], seed=0)
    assert (sources.sources, sources.components) == (6, 3)
    assert (sources.largest_files, sources.largest_sources) == (5, 3)
    # a and c have two files each, b three, d two, e and f one.
    assert sources.files_per_source == {"1": 2, "2": 3, "3": 1}


def test_a_random_split_shares_what_the_disjoint_one_drops() -> None:
    """200 pictures with four forgeries each: all sources of the test are in training."""
    examples = [example(number, 0, f"s{number}") for number in range(200)]
    examples += [
        example(1000 + number, 1, f"s{number % 200}", f"s{(number + number // 200 + 1) % 200}")
        for number in range(800)
    ]
    sources = weigh_sources(examples, seed=1)
    assert sources.random_shared is not None and sources.random_shared > 0.99
    parts = (sources.disjoint_train, sources.disjoint_test, sources.disjoint_dropped)
    assert [sum(column) for column in zip(*parts, strict=True)] == [200, 800]
    # Of two sources drawn apart, both are on one side in 0.8² + 0.2² of the cases.
    assert sources.disjoint_dropped[1] / 800 == pytest.approx(1 - 0.68, abs=0.06)
    assert sources.disjoint_dropped[0] == 0


def test_json_holds_every_figure(leaky_audit: Audit) -> None:
    document = json.loads(leaky_audit.to_json())
    assert document["schema"] == 1
    assert document["files"] == [20, 20]
    assert document["counts"]["quality"] == {"75": [0, 20], "95": [20, 0]}
    assert document["readability"][0]["feature"] == "container"
    assert document["readability"][0]["balanced_accuracy"] == 1
    names = {field.name for field in dataclasses.fields(Audit)}
    assert set(document) == names | {"schema", "program"}


def test_the_terminal_gets_at_most_100_columns(leaky_audit: Audit) -> None:
    long = dataclasses.replace(
        leaky_audit,
        counts=dict(leaky_audit.counts) | {"generator": {"g" * 300: (0, 5), "h": (1, 2)}},
        left_out=tuple(f"{'x' * 150}{n}: not a picture" for n in range(40)),
    )
    text = audit_text(long)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "and 28 more" in text
    assert "…" in text


class _Page(html.parser.HTMLParser):
    """Collects what a page is made of, and fails where elements are not nested properly."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_well_formed_and_needs_nothing_else(leaky_audit: Audit) -> None:
    source = audit_page(leaky_audit).decode("utf-8")
    page = _Page()
    page.feed(source)
    page.close()
    assert page.open == []
    assert "http:" not in source and "https:" not in source
    assert "@import" not in source
    tags = {tag for tag, _, _ in page.attributes}
    assert not tags & {"script", "link", "img", "iframe", "object"}
    identifiers = [value for _, name, value in page.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    pointed = [value for _, name, value in page.attributes if name in ("href", "src")]
    assert pointed and all(value and value[1:] in identifiers for value in pointed)
    assert "measure save settings" in page.text
    assert source.count("<svg ") == 6
    assert audit_page(leaky_audit) == source.encode("utf-8")


def test_names_of_files_are_text_and_nothing_more(tmp_path: Path) -> None:
    root = tmp_path / "<script>corpus"
    for number in range(3):
        save(root / "authentic" / f"a{number}.jpg", number, 80)
        save(root / "tampered" / f"t{number}.jpg", 50 + number, 80)
    copied = (root / "authentic" / "a0.jpg").read_bytes()
    (root / "authentic" / ODD_NAME).write_bytes(copied)
    (root / "tampered" / "<i>broken.jpg").write_bytes(b"\xff\xd8\xff")
    result = audit(read_corpus(root), near=False)
    page = _Page()
    page.feed(audit_page(result).decode("utf-8"))
    tags = {tag for tag, _, _ in page.attributes} | set(page.open)
    assert not tags & {"b", "i", "script"}
    assert "<b onclick=x>&$a$\\n\\xff.jpg" in page.text
    assert "<i>broken.jpg" in page.text
    assert json.loads(result.to_json())["duplicates"]["exact"]
    assert "\\n\\xff.jpg" in audit_text(result)


def _run(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_audit(parser.add_subparsers(required=True))
    options = parser.parse_args(["audit", *map(str, arguments)])
    return int(options.run(options))


def _content(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_command_prints_and_writes_beside_the_corpus(
    leaky: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _content(leaky)
    status = _run(leaky, "--json", tmp_path / "a.json", "--html", tmp_path / "a.html")
    assert status == 0
    assert "measure save settings" in capsys.readouterr().out
    assert json.loads((tmp_path / "a.json").read_bytes())["files"] == [20, 20]
    assert (tmp_path / "a.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert _content(leaky) == before


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_nothing_is_written_into_the_corpus(leaky: Path, tmp_path: Path, option: str) -> None:
    before = _content(leaky)
    (tmp_path / "link").symlink_to(leaky / "Au", target_is_directory=True)
    for target in (leaky / "x", leaky / "Sp" / "x", tmp_path / "link" / "x"):
        with pytest.raises(NotWrittenError, match="would lie in the corpus"):
            _run(leaky, option, target)
    assert _content(leaky) == before


def test_the_folders_of_a_manifests_pictures_are_its_corpus_as_well(tmp_path: Path) -> None:
    for number in range(2):
        save(tmp_path / "pictures" / f"{number}.jpg", number, 80)
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,label\npictures/0.jpg,authentic\npictures/1.jpg,tampered\n")
    with pytest.raises(NotWrittenError, match="would lie in the corpus"):
        _run(manifest, "--json", tmp_path / "pictures" / "x.json")
    with pytest.raises(NotWrittenError, match="examined files"):
        _run(manifest, "--json", manifest)
    assert _run(manifest, "--json", tmp_path / "x.json") == 0


def test_a_missing_folder_is_told_before_the_work(leaky: Path, tmp_path: Path) -> None:
    with pytest.raises(NotWrittenError, match="its folder does not exist"):
        _run(leaky, "--html", tmp_path / "nowhere" / "x.html")


def test_one_class_is_refused_in_a_sentence(tmp_path: Path) -> None:
    save(tmp_path / "authentic" / "a.jpg", 1, 80)
    (tmp_path / "tampered").mkdir()
    with pytest.raises(CorpusError, match="both classes are needed"):
        _run(tmp_path)


@pytest.mark.data
@pytest.mark.slow
def test_casia_1_can_be_read_from_its_containers(shared_data: Path) -> None:
    result = audit(read_corpus(shared_data / "casia1"), near=False)
    container = result.container()
    assert container is not None and container.low > 0.985
    assert result.files == (800, 921)
    assert result.sources.random_shared is not None and result.sources.random_shared > 0.95
    assert result.sources.largest_sources == 62
