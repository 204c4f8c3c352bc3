"""What a training holds from its first step to its last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from sentiment.config import Config
from sentiment.data.prepare import Prepared, prepare
from sentiment.data.reviews import ReviewSource
from sentiment.evaluation.result_checks import count_classes, describe_classes
from sentiment.models.evidence import NGramEvidence
from sentiment.models.gpu_arithmetic import whole_float32
from sentiment.system import memory
from sentiment.system.console import say
from sentiment.system.device import Machine, find_machine, process_count, training_arithmetic
from sentiment.system.gpu import require_same_bits
from sentiment.system.meeting import require_loopback
from sentiment.system.place import Place
from sentiment.system.versions import git_commit, library_versions
from sentiment.training.evidence import fit_evidence
from sentiment.training.loggers import require_tensorboard
from sentiment.training.parent import Parent, open_parent
from sentiment.training.stages import Stage, plan_stages

Tell = Callable[[str], None]


@dataclass(frozen=True)
class TrainingSession:
    """Everything a training reads; what changes while it trains is in `TrainingState`."""

    config: Config
    place: Place
    machine: Machine
    prepared: Prepared
    parent: Parent | None
    """The run that it starts from, if any."""
    stages: list[Stage]
    evidence: Callable[[], NGramEvidence | None]
    """The n-gram evidence, if the configuration asks for it; fitted when it is first asked for."""

    @property
    def tell(self) -> Tell:
        """Print a line on stderr, in the leading process only."""
        return _tell_as(self.place)

    def on(self, machine: Machine) -> "TrainingSession":
        """The same session on another machine, such as this one's share of the threads."""
        return replace(self, machine=machine)


@contextmanager
def training_machine(config: Config, place: Place) -> Iterator[Machine]:
    """The machine of a configuration, with its threads and the arithmetic of training inside the block.

    Raises MachineError if the machine is not there, or cannot give the same bits each time.
    """
    with training_arithmetic(), whole_float32():
        machine = find_machine(config.machine, place)
        if machine.device.type == "cuda":
            require_same_bits(machine.device)
        with machine.using_threads():
            yield machine


def open_session(
    config: Config,
    place: Place,
    machine: Machine,
    source: ReviewSource | None = None,
    parent: Parent | None = None,
) -> TrainingSession:
    """Load and prepare everything that may be missing, before anything is written.

    `source` and `parent` are those of the configuration if they are already open.
    Raises MachineError without TensorBoard where it is asked for, or if several processes could not talk, and
    what `prepare` and `plan_stages` raise.
    """
    tell = _tell_as(place)
    if config.logging.tensorboard and place.leads:
        require_tensorboard()
    if not place.is_joint and process_count(config.machine, machine, place) > 1:
        require_loopback()
    parent = parent or open_parent(config)
    prepared = prepare(config, machine.threads, source, None if parent is None else parent.vocabulary)
    _tell_about_data(config, prepared, tell)
    if source is not None:
        source.forget()
    memory.release()
    evidence = cache(partial(_fit_first_evidence, config, prepared, parent, tell))
    return TrainingSession(
        config=config,
        place=place,
        machine=machine,
        prepared=prepared,
        parent=parent,
        stages=plan_stages(config, prepared, evidence, tell, parent),
        evidence=evidence,
    )


def describe_start(session: TrainingSession) -> dict[str, Any]:
    """The facts for run.json that are known before the first step."""
    config, prepared, machine = session.config, session.prepared, session.machine
    names = prepared.classes.names
    return {
        "versions": library_versions(),
        "git": git_commit(),
        "start": {} if session.parent is None else session.parent.facts(),
        "seed": config.seed,
        "machine": {
            "device": str(machine.device),
            "threads": machine.threads,
            "processes": process_count(config.machine, machine, session.place),
            "precision": config.machine.precision,
        },
        "data": {
            "source": config.data.source,
            "hash": prepared.data_hash,
            "further_hash": prepared.further_hash,
            "split_hashes": prepared.split_hashes,
            "train": len(prepared.train.reviews),
            "unlabelled": 0 if prepared.unlabelled is None else len(prepared.unlabelled),
            "extra": 0 if prepared.extra is None else len(prepared.extra.reviews) - prepared.rehearsed,
            "rehearsed": prepared.rehearsed,
            "lessons": dict(prepared.lesson_counts),
            "phrases": 0 if prepared.phrases is None else len(prepared.phrases.reviews),
            "validation": len(prepared.validation.reviews),
            "class_names": list(names),
            "class_counts": {
                "train": count_classes(prepared.train.labels_N, names),
                "validation": count_classes(prepared.validation.labels_N, names),
            },
            "validation_rule": prepared.rule,
            "shared_groups": prepared.shared_groups,
            "words": prepared.vocabulary.sizes,
            "columns": prepared.columns,
            "classes": dict(prepared.classes.of_label),
        },
    }


def _tell_as(place: Place) -> Tell:
    return say if place.leads else _tell_nobody


def _tell_nobody(message: str) -> None:
    """Drop a message that the leading process prints."""


def _tell_about_data(config: Config, prepared: Prepared, tell: Tell) -> None:
    for note in prepared.notes:
        tell(note)
    names = prepared.classes.names
    tell(describe_classes("training", count_classes(prepared.train.labels_N, names)))
    if len(prepared.validation.reviews):
        tell(describe_classes("validation", count_classes(prepared.validation.labels_N, names)))
    if prepared.rule == "blocks" and config.data.validation == "auto":
        tell("no column groups the reviews, so blocks of neighbours are held out; --group names a column")
    if prepared.holdout_warning is not None:
        tell(f"warning: {prepared.holdout_warning}")
    for warning in prepared.reading_warnings:
        tell(f"warning: {warning}")
    keys = {
        "self_training.epochs": config.self_training.epochs,
        "evidence.unlabelled": config.evidence.unlabelled,
        "lessons.unlabelled": config.lessons.unlabelled,
    }
    if prepared.unlabelled is None and (unused := [key for key, value in keys.items() if value]):
        tell(f"the source has no unlabelled reviews, so these keys have no effect: {', '.join(unused)}")


def _fit_first_evidence(
    config: Config, prepared: Prepared, parent: Parent | None, tell: Tell
) -> NGramEvidence | None:
    if not config.evidence.weight:
        return None
    tell("fitting the n-gram evidence")
    (words,) = prepared.vocabulary.sizes
    evidence = fit_evidence(
        prepared.train,
        words,
        config.evidence,
        seed=config.seed,
        extra=prepared.extra,
        classes=len(prepared.classes),
        parent=None if parent is None else parent.evidence,
    )
    if not evidence.weights_G.any():
        tell("warning: no n-gram is in two reviews; the evidence has no effect")
    return evidence
