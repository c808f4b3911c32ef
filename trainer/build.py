"""From a recipe and its data to a finished run: prepare, train, calibrate, measure, export."""

import dataclasses
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from app.atomic import write_bytes
from app.detection.card import Calibration, Preparation, Question
from trainer.config import Recipe
from trainer.corpus import Example
from trainer.corpus.mixture import draw_weights
from trainer.data import Data
from trainer.errors import CorpusError, ExportError
from trainer.evaluate import Evaluation, lookup_accuracy
from trainer.measures.calibrate import fit_calibration
from trainer.measures.metrics import Measures, Scores, measure
from trainer.models.network import Network
from trainer.models.registry import build_model, family
from trainer.models.weights import brings_normalisation, origin
from trainer.publishing.cards import check_name, limits_of, make_card
from trainer.publishing.export import export
from trainer.questions import question_with
from trainer.runs.folder import (
    CHECKPOINT,
    check_data,
    new_run,
    recipe_of,
    write_json,
    write_table,
)
from trainer.runs.page import write_report
from trainer.runs.pictures import draw_pictures
from trainer.runs.plots import write_plots
from trainer.scoring import PREDICTIONS, as_scores, grouped, mask_measures, prediction_rows
from trainer.training.distributed import join, leave
from trainer.training.loop import Epoch, predict, train
from trainer.training.order import seed_of
from trainer.training.preparation import chain_of, preparation_of
from trainer.training.prepared import PreparedSet, prepare_set, sample

Say = Callable[[str], None]
Prepare = Callable[[Sequence[Example], str], PreparedSet]


@dataclass(frozen=True, slots=True)
class Job:
    """What to build, beside the recipe and the data.

    Attributes:
        runs: folder that the run's folder is made in.
        cache: folder of prepared images, which later runs of the same preparation use again;
            None keeps them for this run only.
        name: of the model.
        version: of the model.
        weights: corpus to how often it is drawn from, relative to the others.
        resume: an unfinished run to go on with.
        publish: whether model, plots and report are wanted, or the numbers only.
    """

    runs: Path
    cache: Path | None
    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    resume: Path | None = None
    publish: bool = True

    def __post_init__(self) -> None:
        """Refuse a name that is no name for a folder, before hours of work.

        Raises:
            CorpusError: with what a name may be.
        """
        check_name(self.name)


def build(recipe: Recipe, data: Data, job: Job, say: Say) -> Path:
    """Carry out ``recipe`` on ``data`` and return the run's folder.

    Started by torchrun, all processes call this alike; the first one measures and writes.

    Raises:
        CorpusError: the data cannot train this model, or the run to resume is another one.
        ExportError: the model learned nothing that carries over, or its export differs.
    """
    process = join()
    if not process.first:
        say = _silence
    if process.count > 1 and job.cache is None:
        raise CorpusError("Several processes share prepared images; they need a cache.")
    for sentence in data.left_out:
        say(f"Left out: {sentence}")
    say(data.split.describe())
    preparation = preparation_of(recipe)
    torch.manual_seed(seed_of(recipe.seed, "initialisation"))
    model = build_model(recipe, preparation.channels)
    weights = draw_weights(data.split.parts["train"], job.weights) if job.weights else None
    run = process.from_first(lambda: _run_folder(recipe, data, job))
    say(f"Run: {run}")
    chain, masks = chain_of(recipe, preparation), family(recipe.model).has_mask

    def prepare(held: Sequence[Example], name: str) -> PreparedSet:
        draws = recipe.draws if name == "train" else recipe.evaluation_draws
        return prepare_set(held, chain, draws, job.cache, name, masks=masks)

    _train(recipe, data, weights, run, model, prepare, say)
    if process.first:
        Finish(recipe, data, job, run, model, preparation, prepare, say).carry_out()
    process.wait()
    leave()
    return run


def read_job(run: Path) -> Job:
    """What an unfinished run was told beside its recipe.

    Raises:
        CorpusError: it is no folder of a run.
    """
    try:
        told = json.loads((run / "job.json").read_bytes())
        return Job(run.parent, None, told["name"], told["version"], dict(told["weights"]), run)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{run} is not the folder of a run.", repr(error)) from error


def _run_folder(recipe: Recipe, data: Data, job: Job) -> Path:
    if job.resume is None:
        told = {"name": job.name, "version": job.version, "weights": dict(job.weights)}
        return new_run(job.runs, recipe, data, told)
    if recipe_of(job.resume) != recipe:
        raise CorpusError(f"{job.resume} is a run of another recipe.")
    check_data(job.resume, data)
    if (job.resume / "weights.pt").exists() and not (job.resume / CHECKPOINT).exists():
        raise CorpusError(f"{job.resume} is finished; there is nothing to go on with.")
    return job.resume


def _train(
    recipe: Recipe,
    data: Data,
    weights: Sequence[float] | None,
    run: Path,
    model: Network,
    prepare: Prepare,
    say: Say,
) -> None:
    """Train ``model`` in place; write the history and the best weights."""
    training = prepare(data.split.parts["train"], "train")
    validation = prepare(data.split.parts["validation"], "validation")
    if not brings_normalisation(recipe.weights):
        model.fit_normalisation(sample(training))

    def report(epoch: Epoch) -> None:
        say(
            f"epoch {epoch.number:3}  train loss {epoch.train_loss:.4f} accuracy "
            f"{epoch.train_accuracy:.3f}  validation loss {epoch.validation_loss:.4f} accuracy "
            f"{epoch.validation_accuracy:.3f}"
        )

    began = time.monotonic()
    epochs = train(
        model,
        training,
        validation,
        recipe,
        report,
        checkpoint=run / CHECKPOINT,
        weights=weights,
    )
    if not join().first:
        return
    say(f"Trained in {time.monotonic() - began:.0f} s.")
    names = [item.name for item in dataclasses.fields(Epoch)]
    write_table(run / "history.csv", names, map(dataclasses.astuple, epochs))
    stream = io.BytesIO()
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, stream)
    write_bytes(run / "weights.pt", stream.getvalue())


@dataclass(frozen=True, slots=True)
class Finish:
    """From trained weights to everything that a run's folder holds."""

    recipe: Recipe
    data: Data
    job: Job
    run: Path
    model: Network
    preparation: Preparation
    prepare: Prepare
    say: Say

    def carry_out(self) -> None:
        """Calibrate, measure, write down, export and draw."""
        recipe, data = self.recipe, self.data
        held = {"train": data.split.parts["train"], **data.held_out(recipe.seed)}
        prepared = {name: self.prepare(examples, name) for name, examples in held.items()}
        scores = {name: self._scores(images) for name, images in prepared.items()}
        calibrating = {
            name: self._scores(self.prepare(examples, name))
            for name, examples in data.calibrating(recipe.seed).items()
        }
        own = calibrating.pop("calibration")
        calibration, fault = self._calibration(own)
        question = question_with(calibration, recipe, data, own, calibrating)
        measures = {name: measure(found, question) for name, found in scores.items()}
        lookup = lookup_accuracy(data.split.parts)
        self.say(Evaluation(measures, lookup, question.id).table())
        rows = prediction_rows(recipe, held, scores, question, data.name_of)
        write_table(self.run / "predictions.csv", PREDICTIONS, rows)
        results = self._write_measures(question, scores, measures, lookup, prepared["test"], fault)
        if self.job.publish:
            if not fault:
                self._export(question, results)
            write_plots(self.run)
            draw_pictures(self.run, recipe, self.preparation, data.split.parts["test"])
            write_report(self.run)
            self.say(f"Report: {self.run / 'report.html'}")
        (self.run / CHECKPOINT).unlink(missing_ok=True)
        if fault and self.job.publish:
            raise fault

    def _calibration(self, own: Scores) -> tuple[Calibration, ExportError | None]:
        """The calibration, or none and why: such a model is measured, but not exported."""
        try:
            return fit_calibration(own, self.recipe.calibration), None
        except ExportError as error:
            return Calibration(1.0, 0.0), error

    def _scores(self, images: PreparedSet) -> Scores:
        return as_scores(predict(self.model, images).tolist(), images.examples, images.draws)

    def _write_measures(
        self,
        question: Question,
        scores: Mapping[str, Scores],
        measures: Mapping[str, Measures],
        lookup: Mapping[str, float],
        test: PreparedSet,
        fault: ExportError | None,
    ) -> dict[str, object]:
        """Write ``metrics.json``; return what goes into the card."""
        pixel = mask_measures(self.model, test) if family(self.recipe.model).has_mask else None
        groups = {"test": grouped(self.recipe, test.examples, scores["test"], question)}
        sets = {name: found.rounded() for name, found in measures.items()}
        content = {
            "question": dataclasses.asdict(question),
            "protocol": {
                "split": self.recipe.split,
                "resaved": self.recipe.resave is not None,
                "leave_out": self.recipe.leave_out,
            },
            "split": self.data.split.describe(),
            "sets": sets,
            "container_only": dict(lookup),
            "groups": groups,
            "pixel": pixel,
            "notes": list(self.data.left_out),
            "fault": fault.sentence if fault else "",
            "limits": list(limits_of(self.recipe, self.data)),
        }
        write_json(self.run / "metrics.json", content)
        results: dict[str, object] = {**sets, "container_only": dict(lookup), "groups": groups}
        return results | ({"pixel": pixel} if pixel else {})

    def _export(self, question: Question, results: Mapping[str, object]) -> None:
        job = self.job
        card = make_card(
            self.recipe,
            self.data,
            self.preparation,
            question,
            results,
            origin(self.model, self.recipe.weights),
            job.name,
            job.version,
        )
        path = export(
            self.model, card, self.run, dynamic_size=family(self.recipe.model).fully_convolutional
        )
        self.say(f"Model: {path}")


def _silence(_: str) -> None:
    """Only the first process speaks."""
