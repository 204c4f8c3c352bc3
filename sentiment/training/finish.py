"""End a training: the final evidence, the temperature, the golden predictions, the result."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from torch import Tensor

from sentiment.config import Config
from sentiment.data.batches import LabelledReviews
from sentiment.errors import DataError
from sentiment.evaluation.baseline import Baseline, fit_baseline
from sentiment.evaluation.metrics import Evaluation, best_half_length, best_temperature, evaluate
from sentiment.evaluation.result_checks import ResultChecks
from sentiment.inference.predictor import Predictor, build_model
from sentiment.inference.scoring import probabilities, score
from sentiment.models.classifier import LSTMClassifier
from sentiment.models.ensemble import Ensemble, join_weights
from sentiment.models.evidence import NGramEvidence
from sentiment.models.length_scale import LengthScale
from sentiment.runs import RunFolder
from sentiment.system.console import say
from sentiment.system.device import peak_memory_bytes
from sentiment.system.processes import ALONE
from sentiment.training.comparison import compare_with_parent
from sentiment.training.evidence import fit_evidence
from sentiment.training.session import TrainingSession
from sentiment.training.stages import Stage
from sentiment.training.state import Progress, TrainingState

ENOUGH_TO_CALIBRATE = 50  # from fewer reviews, `auto` fits nothing


def finish_run(
    run: RunFolder, session: TrainingSession, state: TrainingState, facts: dict[str, Any]
) -> dict[str, Any]:
    """Write the best weights, the golden predictions and run.json; return `facts` with the result added."""
    start, config, prepared = time.perf_counter(), session.config, session.prepared
    state.forget_steps()
    weights = _join_weights(config, state, _fit_final_evidence(run, session, state))
    seconds = state.progress.seconds + time.perf_counter() - start
    names = prepared.classes.names
    model = build_model(config, prepared.vocabulary, weights, run.path, len(names))
    assert isinstance(model, LSTMClassifier | Ensemble)
    machine = replace(session.machine.in_float32(), processes=ALONE)  # as `Predictor.load` does
    predictor = Predictor(config, prepared.vocabulary, model.to(machine.device), machine, facts=facts)
    temperature, half_length, logits = _calibrate(session, predictor)
    weights = model.state_dict()
    golden, baseline = predictor.golden(prepared.golden), _fit_baseline(session)
    validation = None
    if len(logits):
        validation = evaluate(logits, prepared.validation.labels_N, class_names=names)
    facts |= {
        "result": {
            "stages": state.progress.finished,
            "validation": None if validation is None else asdict(validation),
            "checks": _check_result(session, state.progress, predictor, validation, baseline).facts(),
            "comparison": _compare(session, predictor, baseline),
            "temperature": temperature,
            "half_length": half_length,
            "seconds": round(seconds, 1),
            "peak_memory_bytes": peak_memory_bytes(machine.device),
        }
    }
    run.finish(weights, golden, facts)
    return facts


def _calibrate(session: TrainingSession, predictor: Predictor) -> tuple[float, float, np.ndarray]:
    """Scale the model's logits; return the temperature, the half length and the scaled validation logits.

    The validation reviews are scored once, and these logits then scaled as the model's are.
    """
    model, reviews = predictor.model, session.prepared.validation.reviews
    assert isinstance(model, LSTMClassifier | Ensemble)
    logits = predictor.logits(reviews) if len(reviews) else np.zeros(0, dtype=np.float32)
    temperature = _fit_temperature(session, logits)
    if temperature != 1:
        model.scale_logits(1 / temperature)
        logits = logits / temperature
    half_length = _find_half_length(session, predictor, logits)
    if half_length and isinstance(model, Ensemble) and model.length_scale is not None:
        model.length_scale.half_length.fill_(half_length)
        lengths_N = reviews.lengths_N.reshape(-1, *[1] * (logits.ndim - 1))
        logits = logits * (lengths_N / (lengths_N + half_length))
    return temperature, half_length, logits


def _fit_temperature(session: TrainingSession, logits: np.ndarray) -> float:
    """The number to divide the validation logits by; 1 if they are to stay as they are."""
    wanted = session.config.calibration.temperature
    # The evidence of one class against the rest makes three or more classes too sure (docs/lab-notebook.md).
    possible = logits.ndim > 1 and len(logits) >= ENOUGH_TO_CALIBRATE
    if not (wanted is True or (wanted == "auto" and possible)):
        return 1.0
    temperature = best_temperature(logits, session.prepared.validation.labels_N)
    return temperature if wanted is True else max(1.0, temperature)


def _find_half_length(session: TrainingSession, predictor: Predictor, logits: np.ndarray) -> float:
    """The length, in tokens, at which a text keeps half of its logit; 0 leaves every logit as it is.

    `logits` are those of the validation reviews.
    """
    wanted, openings = session.config.calibration.short_texts, session.prepared.openings
    if wanted != "auto":
        return wanted
    if openings is None or len(openings.labels_N) < ENOUGH_TO_CALIBRATE:
        return 0.0
    both = np.concatenate([logits, predictor.logits(openings.reviews)])
    reviews, labels_N = session.prepared.validation.joined(openings)
    return best_half_length(both, reviews.lengths_N, labels_N)


def _join_weights(config: Config, state: TrainingState, evidence: NGramEvidence | None) -> dict[str, Tensor]:
    """The weights of the whole model; short texts are as sure as its parts say."""
    return join_weights(state.members, evidence, LengthScale() if config.calibration.short_texts else None)


def _check_result(
    session: TrainingSession,
    progress: Progress,
    predictor: Predictor,
    validation: Evaluation | None,
    baseline: Baseline | None,
) -> ResultChecks:
    """What shows whether the finished model has learned anything."""
    return ResultChecks(
        steps=_fewest_steps(session.stages, progress),
        has_parent=session.parent is not None,
        validation=validation,
        network=_judge_network(predictor, session.prepared.validation),
        baseline=_judge_baseline(session, baseline),
    )


def _compare(
    session: TrainingSession, predictor: Predictor, baseline: Baseline | None
) -> list[dict[str, Any]]:
    """The accuracies of the parent, the run and the baseline; empty without a parent."""
    parent = session.parent
    if parent is None:
        return []
    held_out = session.prepared.held_out
    return [asdict(compare_with_parent(parent, predictor, baseline, part)) for part in held_out]


def _fewest_steps(stages: Sequence[Stage], progress: Progress) -> int:
    """The optimizer steps on labels of the network that had the fewest."""
    ended = zip(stages, progress.finished, strict=True)
    # Stages that ended before this program counted their steps have no such number.
    return min(int(end.get("steps", progress.step)) for stage, end in ended if stage.objective.classifies)


def _judge_network(predictor: Predictor, validation: LabelledReviews) -> Evaluation | None:
    """The network without the n-gram evidence; None if there is no evidence, or nothing is held out."""
    model, reviews = predictor.model, validation.reviews
    if not isinstance(model, Ensemble) or model.evidence is None or len(reviews) == 0:
        return None
    logits = score(model.without_evidence(), reviews, predictor.machine)
    return evaluate(logits, validation.labels_N, class_names=predictor.class_names)


def _fit_baseline(session: TrainingSession) -> Baseline | None:
    """The n-gram baseline; None if fitting it takes long or is impossible, or nothing is held out."""
    if session.prepared.parts is None:
        return None
    train, _ = session.prepared.parts
    try:
        return fit_baseline(train, session.config.seed)
    except DataError:
        return None


def _judge_baseline(session: TrainingSession, baseline: Baseline | None) -> Evaluation | None:
    """The n-gram baseline on the validation reviews."""
    if session.prepared.parts is None or baseline is None:
        return None
    _, validation = session.prepared.parts
    return evaluate(baseline.logits(validation), validation.labels_N, class_names=validation.class_names)


def _fit_final_evidence(
    run: RunFolder, session: TrainingSession, state: TrainingState
) -> NGramEvidence | None:
    """The evidence of the finished run; fitted again if it has more to learn from than training reviews."""
    config, prepared = session.config, session.prepared
    guessed = _guess_labels(run, session, state) if config.evidence.unlabelled else None
    lessons = prepared.lessons if config.evidence.lessons else None
    if guessed is None and prepared.phrases is None and lessons is None:
        return session.evidence()
    say("fitting the final n-gram evidence")
    (words,) = prepared.vocabulary.sizes
    return fit_evidence(
        prepared.train,
        words,
        config.evidence,
        seed=config.seed,
        extra=prepared.extra,
        phrases=prepared.phrases,
        lessons=lessons,
        guessed=guessed,
        parent=None if session.parent is None else session.parent.evidence,
        classes=len(prepared.classes),
    )


def _guess_labels(run: RunFolder, session: TrainingSession, state: TrainingState) -> LabelledReviews | None:
    """The unlabelled reviews, if there are any, with the probabilities that the trained model gives them."""
    unlabelled = session.prepared.unlabelled
    if unlabelled is None:
        return None
    weights = _join_weights(session.config, state, session.evidence())
    say("labelling the unlabelled reviews for the n-gram evidence")
    classes = len(session.prepared.classes)
    model = build_model(session.config, session.prepared.vocabulary, weights, run.path, classes)
    logits = score(model.to(session.machine.device), unlabelled, session.machine.in_float32())
    return LabelledReviews(unlabelled, probabilities(logits))
