"""What was scanned, what came of it in numbers, and what the answers may be taken for."""

from collections import Counter
from datetime import datetime

from app.analysis.recompress import encoder_identity
from app.detection.card import Question
from app.detection.verdict import State, percent
from app.report.page.markup import count, counted, facts, prose, table, text
from app.report.page.survey import Survey
from app.report.picture import versions
from app.scan.results import Account, Results, Totals
from app.scan.rows import STATUSES

_MEANING = (
    "An answer says what a model found in the pixels, compared with its reference images. Positive "
    "means consistent with what is asked for: a reason to look at the picture, its map and its "
    "history. It is no proof, and it does not say who did what, or why. Negative does not show "
    "that nothing was done; many alterations are missed. Inconclusive and outside validity are "
    "answers, too: the model cannot tell, or must not be asked.",
    "A score is calibrated with both classes taken as equally frequent. How likely an alteration "
    "is in this collection depends also on how frequent alterations are in it, which no model "
    "knows. Where most pictures are untouched, many positive answers may be false alarms. "
    "The models' cards below say what was measured, and on which pictures.",
)

_NAMES = {
    "elascope": "Elascope",
    "python": "Python",
    "numpy": "NumPy",
    "opencv": "OpenCV",
    "pillow": "Pillow",
}


def title_of(account: Account) -> str:
    """What the page is called, as text."""
    if not account.roots:
        return "Scan report"
    more = f" and {len(account.roots) - 1} more" if len(account.roots) > 1 else ""
    return f"Scan report: {account.roots[0]}{more}"


def head_section(account: Account, totals: Totals) -> str:
    """When, where and what, and a notice when files are missing."""
    pairs = [("Scanned", "<br>".join(map(text, account.roots)))] if account.roots else []
    if account.started:
        pairs.append(("Begun", _time(account.started)))
    if account.ended:
        pairs.append(("Ended", _time(account.ended) + _duration(account)))
    found = "" if account.found is None else f" of {count(account.found)} found"
    pairs.append(("Files in this report", f"{count(totals.files)}{found}"))
    pairs.append(("Program", f"Elascope {text(versions()['elascope'])}"))
    return facts(pairs) + _notice(account, totals)


def _time(moment: str) -> str:
    """ISO 8601 for reading; anything else as it is."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return text(moment)
    zone = f" {read.tzname()}" if read.tzinfo else ""
    return text(f"{read:%Y-%m-%d %H:%M:%S}{zone}")


def _duration(account: Account) -> str:
    try:
        taken = datetime.fromisoformat(account.ended) - datetime.fromisoformat(account.started)
    except (TypeError, ValueError):
        return ""
    minutes, seconds = divmod(round(taken.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    spent = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
    return f" (after {spent})"


def _notice(account: Account, totals: Totals) -> str:
    found = account.found or 0
    missing = found - totals.files
    if account.complete and missing <= 0:
        return ""
    if missing > 0:
        which = f"{counted(missing, 'file was', 'files were')} not reached, of {count(found)}"
    elif account.found is None:
        which = "files were not reached; how many is not known, since not all folders were listed"
    else:
        which = "the scan was stopped"
    return (
        f'<p class="notice" role="note"><strong>This report is not complete:</strong> {which}. '
        "Nothing is said about files that were not reached.</p>"
    )


def meaning_section() -> str:
    """What the answers may and may not be taken for."""
    return f'<div class="meaning">{"".join(f"<p>{prose(line)}</p>" for line in _MEANING)}</div>'


def totals_section(totals: Totals, results: Results) -> str:
    """Counts that add up to the number of files, by status and by the answers to each question."""
    files = totals.files
    others = sorted(set(totals.statuses) - set(STATUSES))
    statuses = [
        (status.replace("_", " "), count(totals.statuses[status]), _share(number, files))
        for status in (*STATUSES, *others)
        if (number := totals.statuses[status]) or status == "ok"
    ]
    by_status = table(
        "Files by status", ("Status", "Files", "Share"), statuses, ("All files", count(files), "")
    )
    rows = []
    for question in results.questions:
        states = totals.states.get(question, Counter())
        numbers = [states[state] for state in State]
        without = files - sum(numbers)
        rows.append((question, *map(count, (*numbers, without, files))))
    words = [state.value.replace("_", " ") for state in State]
    by_answer = table("Files by answer", ("Question", *words, "no answer", "All files"), rows)
    sentences = [
        f"{counted(totals.archives, 'archive was', 'archives were')} left alone; such files are "
        "among the unsupported.",
        f"{counted(totals.duplicates, 'duplicate', 'duplicates')} of files with the same content: "
        "not judged again, and counted with the answers of the files judged in their place.",
    ]
    if rows:
        sentences.append("Files that could not be read or decoded have no answer.")
    numbers_too = "".join(f"<p>{prose(sentence)}</p>" for sentence in sentences)
    return f'<div class="beside">{by_status}{by_answer if rows else ""}</div>{numbers_too}'


def _share(number: int, files: int) -> str:
    if not files:
        return ""
    return "< 0.1 %" if 0 < number / files < 0.001 else f"{100 * number / files:.1f} %"


def false_alarm_sentence(question: Question, found: Survey) -> str:
    """How many positive answers the operating point alone would give."""
    rate = question.operating_point.false_alarm_rate
    scored = sum(found.scores.get(question.id, ()))
    expected = rate * scored
    number = f"about {expected:,.0f}" if expected >= 1 else "less than one"
    positive = found.totals.states.get(question.id, Counter())[State.POSITIVE]
    files = counted(scored, "scored file", "scored files")
    return (
        f"The operating point was set for at most {percent(rate)} false alarms on the calibration "
        f"images. If all of {files} were like those images and none was what is asked for, "
        f"{number} would be positive; {count(positive)} are."
    )


def parameters_section(account: Account) -> str:
    """With which parameters the files were scanned."""
    if not account.parameters:
        return "<p>None were recorded.</p>"
    return facts((name, text(value)) for name, value in account.parameters.items())


def versions_section(account: Account) -> str:
    """Everything that the answers depend on besides the files and the models."""
    identity = encoder_identity()
    pairs = [(_NAMES.get(name, name), text(version)) for name, version in versions().items()]
    pairs.append(
        ("JPEG encoder", f"{text(identity.library)}, fingerprint {text(identity.fingerprint)}")
    )
    providers = sorted({model.provider for model in account.models if model.provider})
    if providers:
        pairs.append(("Execution providers", text(", ".join(providers))))
    return facts(pairs)
