"""The conspicuous files with their pictures, the most conspicuous first."""

from base64 import b64encode
from collections.abc import Iterator, Mapping

from app.detection.verdict import Verdict
from app.report.page.markup import count, counted, facts, text
from app.report.page.survey import Survey
from app.scan.results import Preview, Results
from app.scan.rows import Row


def gallery(found: Survey, results: Results) -> Iterator[str]:
    """HTML, one file after the other; each picture is asked for when its turn comes.

    Args:
        found: of the same results.
        results: with the previews.
    """
    if not found.conspicuous:
        yield "<p>No file has a conspicuous answer.</p>"
        return
    yield (
        f"<p>{counted(found.conspicuous, 'file has', 'files have')} an answer that asks for a look "
        "at the picture: positive, or inconclusive with a score from 0.5 on. Positive ones come "
        "first, then the order is that of the score. Duplicates are named with the file that was "
        "judged.</p>"
    )
    if found.conspicuous > len(found.shown):
        yield (
            f'<p class="notice">Only the {count(len(found.shown))} most conspicuous of '
            f"{count(found.conspicuous)} are shown here. The table of all files has the others: "
            "sort it by score, or filter it by answer.</p>"
        )
    texts = {
        question.id: question.text
        for model in results.account.models
        for question in model.card.questions
    }
    yield '<div class="gallery">'
    for row in found.shown:
        yield _entry(row, found, results.preview(row.path), texts)
    yield "</div>"


def _entry(row: Row, found: Survey, preview: Preview | None, texts: Mapping[str, str]) -> str:
    pairs = [("Path", f'<span class="path">{text(str(row.path))}</span>')]
    if row.record:
        size = f"{row.record.width} x {row.record.height} px"
        pairs.append(("Picture", text(f"{row.record.format}, {size}")))
    if row.size is not None:
        pairs.append(("Bytes", count(row.size)))
    pairs.append(("SHA-256", f"<code>{text(row.sha256)}</code>"))
    if names := found.names.get(row.path):
        more = found.named[row.path] - len(names)
        lines = [f'<span class="path">{text(str(name))}</span>' for name in names]
        pairs.append(
            ("Also as", "<br>".join([*lines, *([f"and {count(more)} more"] * (more > 0))]))
        )
    answers = "".join(_answer(verdict, texts) for verdict in row.verdicts)
    return (
        f'<article><h3 class="path">{text(row.path.name)}</h3>{_pictures(preview, texts)}'
        f"{answers}{facts(pairs)}</article>"
    )


def _pictures(preview: Preview | None, texts: Mapping[str, str]) -> str:
    if preview is None:
        return ""
    figures = [_figure(preview.thumbnail, "The picture", "Picture, reduced")]
    for question, picture in preview.maps.items():
        name = f"Map of where, over the picture: {texts.get(question, question)}"
        figures.append(_figure(picture, name, f"Where: {question}"))
    return f'<div class="pictures">{"".join(figures)}</div>'


def _figure(jpeg: bytes, alternative: str, caption: str) -> str:
    source = f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"
    return (
        f'<figure><img src="{source}" alt="{text(alternative)}">'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def _answer(verdict: Verdict, texts: Mapping[str, str]) -> str:
    word = verdict.state.value.replace("_", " ")
    score = "" if verdict.score is None else f" {verdict.score:.3f}"
    moved = ""
    if verdict.low is not None and verdict.high is not None:
        moved = f' <span class="quiet">range {verdict.low:.3f} to {verdict.high:.3f}</span>'
    question = texts.get(verdict.question, verdict.question)
    return (
        f'<p class="answer">{text(question)} <strong class="state {verdict.state.value}">{word}'
        f'{score}</strong>{moved}<br><span class="quiet">{text(verdict.reason)}</span></p>'
    )
