"""The models that were asked, each with its card folded away."""

from app.detection.card import ModelCard, Question
from app.detection.verdict import percent
from app.report.page.markup import details, facts, listing, prose, text
from app.report.page.measured import measured
from app.scan.results import Account, ModelFacts


def models_section(account: Account) -> str:
    """Every model, in the order of the questions."""
    if not account.models:
        return "<p>No model was asked; the rows have no answers.</p>"
    return "".join(map(_model, account.models))


def _model(model: ModelFacts) -> str:
    card = model.card
    content = (
        f"<p>{prose(card.summary)}</p>"
        + facts(
            [
                ("File", f"SHA-256 <code>{text(model.sha256)}</code>"),
                ("Computed by", text(model.provider)),
                ("Valid for", prose(_validity(card))),
                ("Licence", prose(card.licence)),
                *_machinery(card),
            ]
        )
        + "".join(map(_question, card.questions))
        + f"<h3>What it does not do</h3>{listing(card.limits)}"
        + f"<h3>Made from</h3><p>{prose(card.training.data)}</p><p>{prose(card.training.split)}</p>"
        + "<h3>Measured</h3><p>Brackets are 95 % intervals.</p>"
        + measured(card.results, card.questions[0].id)
    )
    questions = ", ".join(question.id for question in card.questions)
    return details(f"{card.name} {card.version}, asked for: {questions}", content)


def _question(question: Question) -> str:
    point = question.operating_point
    pairs = (
        ("Positive means", question.positive),
        ("Negative means", question.negative),
        (
            "Operating point",
            f"positive from a score of {point.threshold:.4f}, set for at most "
            f"{percent(point.false_alarm_rate)} false alarms on calibration images",
        ),
        (
            "Inconclusive",
            f"from {question.inconclusive_below:.4f} to the operating point; "
            f"{percent(question.miss_rate)} of the positive calibration images lie below",
        ),
        ("Score", f"calibrated by {question.calibration.method}"),
        ("Reference population", question.reference_population),
    )
    return f"<h3>{prose(question.text)}</h3>" + facts((n, prose(value)) for n, value in pairs)


def _validity(card: ModelCard) -> str:
    validity = card.validity
    only = "; photographs only" if validity.photographs_only else ""
    return (
        f"{', '.join(validity.formats)}; shorter side from {validity.minimum_side} px, longer side "
        f"to {validity.maximum_side} px, sides to {validity.maximum_aspect:g}:1{only}"
    )


def _machinery(card: ModelCard) -> list[tuple[str, str]]:
    """What stands behind the score besides the model's own file."""
    pairs = []
    if card.backbone is not None:
        backbone = f"{text(card.backbone.name)}, SHA-256 <code>{text(card.backbone.sha256)}</code>"
        pairs.append(("Backbone", backbone))
    if card.where is not None:
        where = (
            f"for {card.where.question}; marked from {card.where.threshold:.2f} on, regions below "
            f"{percent(card.where.smallest_share)} of the picture left out"
        )
        pairs.append(("Map of where", text(where)))
    if card.copy_move is not None:
        copies = (
            f"a copy-move of strength s adds {card.copy_move.weight:.3g} s to the logit of "
            f"{card.copy_move.question}"
        )
        pairs.append(("Copies", text(copies)))
    return pairs
