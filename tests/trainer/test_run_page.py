"""The page of a run: its numbers are the run's, it warns where it must, and it stands alone."""

import argparse
import html.parser
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.errors import NotWrittenError
from tests.trainer.run_folder import ODD_NAME, write_run
from trainer.commands.report import add_report
from trainer.drawing.page import details, listing, page, picture, table
from trainer.drawing.tables import Table
from trainer.errors import CorpusError
from trainer.runs.page import report_page, write_report

_LITTLE = "say little about new pictures"
_VOID = ("meta", "img")


class Page(html.parser.HTMLParser):
    """Collects a page's elements and texts, and fails where elements are not nested properly."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.texts.setdefault(tag, []).append("")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts["main"]).split())

    def cells(self, row: str) -> list[str]:
        """The cells of the first line of a table that begins with ``row``."""
        place = self.texts["td"].index(row)
        line = next(text for text in self.texts["tr"] if text.startswith(row))
        found = [row]
        while "".join(found) != line:
            place += 1
            found.append(self.texts["td"][place])
        return found


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("honest"))


@pytest.fixture(scope="module")
def source(honest: Path) -> str:
    return report_page(honest)


def stored(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return found


def change(run: Path, name: str, changes: dict[str, Any]) -> None:
    content = (run / name).read_bytes().decode("utf-8", "surrogateescape")
    text = json.dumps(json.loads(content) | changes, ensure_ascii=False)
    (run / name).write_bytes(text.encode("utf-8", "surrogateescape"))


def without_plots(run: Path) -> Path:
    """Drawing takes the time, and sentences do not need it."""
    for name in ("predictions.csv", "history.csv"):
        (run / name).unlink()
    return run


def test_the_page_needs_nothing_else(source: str, honest: Path) -> None:
    found = Page(source)
    assert "http:" not in source and "https:" not in source and "@import" not in source
    assert not found.tags & {"script", "link", "iframe", "object", "style-src", "b", "i"}
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    identifiers = [value for _, name, value in found.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    pointed = [value for _, name, value in found.attributes if name in ("href", "src")]
    assert pointed and all(value.startswith("#") and value[1:] in identifiers for value in pointed)
    assert source.count("<svg ") == 9
    assert "prefers-color-scheme: dark" in source
    assert report_page(honest) == source


def test_a_reader_finds_every_part(source: str) -> None:
    assert Page(source).texts["h2"] == [
        "What was asked",
        "Data and split",
        "What was measured",
        "Answers",
        "Calibration",
        "Groups",
        "Where the picture was altered",
        "Training",
        "Errors with the highest confidence",
        "Limits",
        "Configuration",
        "Environment",
    ]


def test_the_numbers_are_those_of_the_run_with_their_intervals(source: str, honest: Path) -> None:
    found, metrics = Page(source), stored(honest)
    test = metrics["sets"]["test"]
    auc = "{:.3f} [{:.3f}, {:.3f}]".format(*test["auc"])
    assert found.cells("area under the ROC curve")[1] == auc
    assert (
        f"4 draws of the save pipeline each) the area under the ROC curve is {auc};" in found.text
    )
    row = found.cells("detections at the operating point")
    assert row[1] == "{:.1%} [{:.1%}, {:.1%}]".format(*test["detections"])
    assert row[3] == "-"  # the camera's pictures are all authentic
    assert found.cells("this network, at a score of 0.5")[1].startswith(
        f"{test['accuracy'][0]:.3f}"
    )
    assert found.cells("lookup of the container, files as published")[1:] == ["0.996", "0.996"]
    assert found.cells("train") == ["train", "150", "75", "75", "300"]
    assert found.cells("dropped") == ["dropped", "9", "4", "4", "17"]
    assert found.cells("F1")[1] == "0.610 [0.550, 0.670]"
    assert found.cells("12")[1:3] == ["0.3907", "0.8"]  # 0.7 exp(-0.72) + 0.05
    assert found.cells("resave: quality")[1] == "75, 98"
    assert found.cells("versions: torch")[1] == "2.14.1"


def test_a_positive_answer_is_worth_less_where_few_pictures_are_altered(
    source: str, honest: Path
) -> None:
    test = stored(honest)["sets"]["test"]
    found, alarms = test["detections"][0], test["false_alarms"][0]
    row = Page(source).cells("10 of 1,000")
    assert row[1] == f"{10 * found:.0f}" and row[3] == f"{990 * alarms:.0f}"
    assert row[4] == f"{10 * found / (10 * found + 990 * alarms):.0%}"
    highest = test["false_alarms"][2]
    assert row[5] == f"{10 * found / (10 * found + 990 * highest):.0%}"


def test_no_false_alarm_seen_is_not_shown_as_zero(source: str) -> None:
    assert Page(source).cells("false alarms at the operating point")[3] == (
        f"none seen, up to {3 / 39:.1%}"
    )


def test_an_honest_run_carries_no_warning(source: str) -> None:
    assert 'class="warning"' not in source.split("</style>")[1]
    assert _LITTLE not in source
    assert "resized to a longer side of 352 to 640 pixels" in source


@pytest.mark.parametrize(
    ("split", "resaved", "parts"),
    [
        ("random", True, ["divided at random"]),
        ("components", False, ["as published", "balanced accuracy of 0.996"]),
        ("random", False, ["divided at random", "as published"]),
    ],
)
def test_a_protocol_that_flatters_is_told_first(
    tmp_path: Path, split: str, resaved: bool, parts: list[str]
) -> None:
    run = without_plots(write_run(tmp_path, split=split, resaved=resaved))
    source = report_page(run)
    body = source.split("</style>")[1]
    warning = re.findall(r'<ul class="warning">(.*?)</ul>', body)
    assert len(warning) == 1 and body.index('class="warning"') < body.index('class="verdict"')
    assert warning[0].count(_LITTLE) == (split == "random") + (not resaved)
    assert all(part in warning[0] for part in parts)


def test_a_run_that_does_not_say_how_it_was_made_is_not_believed(tmp_path: Path) -> None:
    run = without_plots(write_run(tmp_path))
    change(run, "metrics.json", {"protocol": None})
    assert "cannot be judged" not in report_page(run)  # the configuration says it
    (run / "config.json").write_text("{}")
    assert report_page(run).count("cannot be judged") == 2


def test_what_was_left_out_of_training_is_said(tmp_path: Path) -> None:
    run = without_plots(write_run(tmp_path))
    protocol = {"split": "components", "resaved": True, "leave_out": "corpus:<i>tree"}
    change(run, "metrics.json", {"protocol": protocol})
    found = Page(report_page(run))
    assert "Tested on corpus:<i>tree, of which no picture was in training." in found.text


def test_results_no_better_than_chance_are_called_so(tmp_path: Path) -> None:
    run = without_plots(write_run(tmp_path))
    sets = stored(run)["sets"]
    sets["test"] |= {"auc": [0.53, 0.48, 0.58], "false_alarms": [0.0, 0.0, 0.0]}
    change(run, "metrics.json", {"sets": sets})
    text = Page(report_page(run)).text
    assert "0.530 [0.480, 0.580]; 0.5 is chance. That is consistent with chance." in text
    assert "No false alarm among 120 pictures is consistent with a rate of up to 2.5%." in text


def test_names_are_text_and_nothing_more(source: str) -> None:
    found = Page(source)
    assert "Sp/<b onclick=x>&$a$\\n\\xff.jpg" in found.texts["td"]
    assert any("<i>tree" in text for text in found.texts["td"])
    assert "\n" in ODD_NAME and ODD_NAME not in source
    source.encode("utf-8")
    lines = [text for text in found.texts["li"] if "It is no picture" in text]
    assert len(lines) == 1
    broken = [text for text in found.texts["li"] if "ends too early" in text]
    assert len(broken) == 1  # the metrics' notes say it once more


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    for name in ("metrics.json", "predictions.csv"):
        (run / name).unlink()
    found = Page(report_page(run))
    assert "This run has not been measured" in found.text
    assert found.texts["h2"] == [
        "What was asked",
        "Data and split",
        "Training",
        "Limits",
        "Configuration",
        "Environment",
    ]


def test_a_run_without_most_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"name": "<b>"}')
    found = Page(report_page(tmp_path))
    assert found.texts["h1"] == ["Training run: <b>"]
    assert "has not been measured" in found.text
    (tmp_path / "config.json").unlink()
    with pytest.raises(CorpusError, match="not the folder of a run"):
        report_page(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"sets": {"test": {}}},
        {"sets": {"test": {"auc": ["a", "b", "c"], "images": "x", "states": 3}}},
        {"groups": {"test": {"kind": {"a": {"auc": None}}}}, "container_only": None},
        {"question": {}, "split": 3, "pixel": {"f1": "x"}},
        {"limits": 3, "notes": None, "protocol": {"split": None, "resaved": "yes"}},
    ],
)
def test_odd_metrics_still_make_a_page(tmp_path: Path, changes: dict[str, Any]) -> None:
    run = without_plots(write_run(tmp_path))
    change(run, "metrics.json", changes)
    assert Page(report_page(run)).texts["h1"] == ["Training run: classic_cnn"]


def test_contact_sheets_become_a_part_of_the_page(tmp_path: Path) -> None:
    run = without_plots(write_run(tmp_path))
    (run / "plots").mkdir()
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(stream, "PNG")
    (run / "plots" / "ela.png").write_bytes(stream.getvalue())
    (run / "plots" / "errors.png").write_bytes(b"<script>alert(1)</script>")
    found = Page(report_page(run))
    shown = [value for tag, name, value in found.attributes if (tag, name) == ("img", "src")]
    assert len(shown) == 1 and shown[0].startswith("data:image/png;base64,iVBOR")
    assert "Pictures and their error levels" in found.texts["h2"]


def command(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_report(parser.add_subparsers(required=True))
    options = parser.parse_args(["report", *map(str, words)])
    return int(options.run(options))


def test_the_command_writes_the_page_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = without_plots(write_run(tmp_path))
    before = {path: path.read_bytes() for path in run.iterdir()}
    assert command(run) == 0
    assert capsys.readouterr().out == f"Report: {run / 'report.html'}\n"
    assert (run / "report.html").read_text(encoding="utf-8") == report_page(run)
    assert command(run, "--output", tmp_path / "other.html") == 0
    assert (tmp_path / "other.html").read_bytes() == (run / "report.html").read_bytes()
    assert command(run) == 0  # an older page is replaced
    (run / "report.html").unlink()
    assert {path: path.read_bytes() for path in run.iterdir()} == before


def test_no_file_of_the_run_is_written_over(tmp_path: Path) -> None:
    run = without_plots(write_run(tmp_path))
    content = (run / "metrics.json").read_bytes()
    (tmp_path / "link.html").symlink_to(run / "metrics.json")
    for target in (run / "metrics.json", tmp_path / "link.html"):
        with pytest.raises(NotWrittenError):
            write_report(run, target)
    (run / "report.html").symlink_to(run / "metrics.json")
    with pytest.raises(NotWrittenError):
        write_report(run)
    with pytest.raises(NotWrittenError):
        write_report(run, tmp_path / "missing" / "x.html")
    assert (run / "metrics.json").read_bytes() == content


def test_parts_of_a_page_escape_what_they_show() -> None:
    odd = "<b>&\"'\n\u202e"
    source = page(
        odd,
        [
            table(Table(odd, (odd, odd), ((odd, odd),), odd)),
            listing([odd], "verdict"),
            details(odd, ""),
            picture(b"", odd),
        ],
    )
    found = Page(source)
    assert "b" not in found.tags and "\u202e" not in source
    shown = "<b>&\"'\\n\\u202e"
    for tag in ("title", "h1", "h3", "th", "td", "p", "li", "summary"):
        assert set(found.texts[tag]) == {shown}
    assert ("img", "alt", shown) in found.attributes
    assert table(Table("t", ("a",), ())) == "" and listing([]) == ""
