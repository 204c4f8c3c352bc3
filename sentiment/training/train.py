"""Train one run: prepare, loop, log, save, stop, finish."""

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from sentiment.config import Config, override
from sentiment.data.batches import LabelledReviews
from sentiment.data.prepare import Prepared, prepare
from sentiment.errors import DivergedError, Interrupted, MachineError, RunError, UsageError
from sentiment.evaluation.metrics import best_temperature, evaluate
from sentiment.inference.predictor import Predictor, build_model
from sentiment.inference.scoring import probabilities, score
from sentiment.models.classifier import SentimentClassifier
from sentiment.models.ensemble import Ensemble, join_weights
from sentiment.models.evidence import NGramEvidence
from sentiment.runs import Checkpoint, FinishedRun, RunFolder, is_run, read_run
from sentiment.system import memory
from sentiment.system.console import say
from sentiment.system.device import (
    Machine,
    peak_memory_bytes,
    process_count,
    set_up_machine,
    set_up_training_arithmetic,
    threads_of_each,
)
from sentiment.system.interrupts import StopRequest, deferred
from sentiment.system.processes import ALONE, join_processes, leads
from sentiment.system.versions import git_commit, library_versions
from sentiment.training.evidence import fit_evidence
from sentiment.training.loggers import Logger, ProgressDisplay, TensorBoardLog, require_tensorboard
from sentiment.training.loop import Epoch, Step, train
from sentiment.training.stages import Stage, plan_stages
from sentiment.training.state import TrainingState, first_infinite

# Keys in which processes that train together may differ, as on several machines.
ELSEWHERE = ("data.source", "data.extra", "machine.", "logging.")


def train_run(config: Config, path: Path, force: bool = False) -> dict[str, Any]:
    """Train a new run in the folder `path`; return the facts of its run.json.

    Of several processes that train together only the first one writes; the others return nothing.
    Raises UsageError if the folder is taken (and not `force`), and what preparing and training raise.
    """
    if not leads():
        return _assist(path, config)
    with RunFolder(path) as run:
        run.claim(force)
        machine = set_up_machine(config.machine)
        plan = _plan(config, machine)  # before anything is replaced: it may fail
        run.create(config)
        return _lead(run, None, config, plan, machine)


def resume_run(path: Path, wanted: Config | None = None, source: str | None = None) -> dict[str, Any]:
    """Go on with a run from its newest whole checkpoint, to the same weights as if it had never stopped.

    `source` says where the run's data are now, if they have moved. On another machine than that of the run's
    configuration, `wanted.machine`, weights are the same to rounding only. Raises UsageError if `wanted` has
    anything else that the run's own configuration, with that source, has not; RunError if the run or its data
    changed.
    """
    with RunFolder(path) as run:
        config = run.config()
        if source is not None:
            config = config.with_source(source)
        own = config
        if wanted is not None:
            config = config.model_copy(update={"machine": wanted.machine})
            if wanted != config:
                raise UsageError(
                    f"{path} was started with another configuration ({_differences(config, wanted)}); "
                    "give --data where its reviews have moved and leave out the rest, or start a new run"
                )
        if not leads():
            return {} if run.is_finished else _assist(path, config)
        run.lock()
        if config != own:
            say(f"on another machine than the run was started on: {_differences(own, config)}")
        if run.is_finished:
            say(f"{path} is finished already")
            return read_run(path).facts
        # Before the data: if the configuration is damaged, what it says of them is not to be trusted.
        checkpoint = run.newest_checkpoint(lambda message: say(f"warning: {message}"))
        if checkpoint is None:
            say("nothing was saved yet; starting from the beginning")
        machine = set_up_machine(config.machine)
        plan = _plan(config, machine)
        return _lead(run, checkpoint, config, plan, machine)


def train_or_resume(config: Config, path: Path) -> FinishedRun:
    """The finished run in the folder `path`: trained, gone on with where it was stopped, or as it is.

    Raises what `train_run` and `resume_run` raise.
    """
    if is_run(path):
        resume_run(path, config)
    else:
        train_run(config, path)
    return read_run(path)


class Plan(NamedTuple):
    """Everything a training needs that may not be there."""

    prepared: Prepared
    stages: list[Stage]
    evidence: Callable[[], NGramEvidence | None]
    """The n-gram evidence, where the configuration asks for it, fitted when it is first asked for."""


def _plan(config: Config, machine: Machine) -> Plan:
    set_up_training_arithmetic()
    if config.logging.tensorboard and leads():
        require_tensorboard()
    prepared = prepare(config, machine.threads)
    if prepared.rule == "blocks" and config.data.validation == "auto" and leads():
        say("the reviews name no films, so blocks of neighbours are held out: see docs/data.md, Validation")
    wanting = [key for key in ("self_training.epochs", "evidence.unlabelled") if config.settings()[key]]
    if wanting and prepared.unlabelled is None and leads():
        say(f"the source has no split of unlabelled reviews, so no effect of: {', '.join(wanting)}")
    memory.release()
    evidence = cache(partial(_fit_evidence, config, prepared))
    return Plan(prepared, plan_stages(config, prepared, evidence), evidence)


def _fit_evidence(config: Config, prepared: Prepared) -> NGramEvidence | None:
    if not config.evidence.weight:
        return None
    if leads():
        say("fitting the n-gram evidence")
    (words,) = prepared.vocabulary.sizes
    evidence = fit_evidence(prepared.train, words, config, prepared.extra)
    if leads() and not evidence.weights_G.any():
        say("warning: no n-gram stands in two reviews; the evidence says nothing")
    return evidence


def _lead(
    run: RunFolder, checkpoint: Checkpoint | None, config: Config, plan: Plan, machine: Machine
) -> dict[str, Any]:
    """Train as the process that writes the run folder, from its beginning or from a checkpoint."""
    prepared = plan.prepared
    facts = _describe(config, prepared, machine)  # now: the code may change on the disk while it runs
    run.check_start(prepared.vocabulary, facts)
    run.write_start(prepared.vocabulary, facts)
    with _name_way_on(run, config):
        state = _train_together(run, checkpoint, config, plan, machine)
        facts = _finish(run, state, config, plan, machine, facts)
    if config.logging.report and len(prepared.validation.reviews):
        _write_report(run, config.data.source, machine)
    return facts


def _train_together(
    run: RunFolder, checkpoint: Checkpoint | None, config: Config, plan: Plan, machine: Machine
) -> TrainingState:
    """Train to the end of the last stage, with the processes that take part."""
    with _joined(run, config, machine) as joined:
        joined.processes.wait()  # the others find the tokens in the cache
        state = _begin_or_restore(checkpoint, config, plan, joined)
        _require_same_start(state, config, plan.prepared, joined)
        run.cut_metrics(state.progress.metrics_bytes)
        if checkpoint is not None:
            say(f"going on from {checkpoint.path}")
        loggers: list[Logger] = [ProgressDisplay()]
        if config.logging.tensorboard:
            loggers.append(TensorBoardLog(run.path / "tensorboard", state.progress.step))
        try:
            with deferred() as stop:
                _follow(run, state, config, plan.prepared, joined, loggers, stop)
                stop.check()  # one that came after the last save
        finally:
            for logger in loggers:
                logger.close()
    return state


@contextmanager
def _joined(run: RunFolder, config: Config, machine: Machine) -> Iterator[Machine]:
    """The machine of one among the processes that train together, with its share of the threads."""
    count = process_count(config.machine, machine)
    arguments = ["train", "--resume", "--run", f"{run.path}", "--data", config.data.source]
    for key, value in config.machine.model_dump().items():
        arguments += ["--set", override(f"machine.{key}", value)]
    with join_processes(machine.device, count, arguments) as processes:
        threads = threads_of_each(machine, count)
        torch.set_num_threads(threads)
        try:
            yield replace(machine, threads=threads, processes=processes)
        finally:
            torch.set_num_threads(machine.threads)


@contextmanager
def _name_way_on(run: RunFolder, config: Config) -> Iterator[None]:
    """Say of a stop, or a failure of the machine, how to go on."""
    try:
        yield
    except Interrupted:
        if not run.checkpoints():
            say("stopped before anything was learned")
        say(f"go on with: {_way_on(run, config)}")
        raise
    except (MachineError, MemoryError) as error:
        checkpoints = run.checkpoints()
        if not checkpoints:
            raise
        way_on = f"{checkpoints[-1]} is whole; go on with: {_way_on(run, config)}"
        raise MachineError(f"{str(error) or 'not enough memory'}; {way_on}") from None


def _way_on(run: RunFolder, config: Config) -> str:
    """The command that goes on as it was: with the data where they are now, and on the same machine."""
    own, machine = run.config().machine.model_dump(), config.machine.model_dump()
    changes = [override(f"machine.{key}", machine[key]) for key in machine if machine[key] != own[key]]
    settings = "".join(f" --set {shlex.quote(change)}" for change in changes)
    run_option = f"--run {shlex.quote(f'{run.path}')}{run.data_option(config.data.source)}"
    return f"sentiment train --resume {run_option}{settings}"


def _assist(path: Path, config: Config) -> dict[str, Any]:
    """Compute a share of every step and of every validation for the process that leads."""
    run = RunFolder(path)
    with _joined(run, config, set_up_machine(config.machine)) as machine:
        machine.processes.wait()
        checkpoint = run.newest_checkpoint(lambda message: None)  # the leading process warns
        plan = _plan(config, machine)
        state = _begin_or_restore(checkpoint, config, plan, machine)
        _require_same_start(state, config, plan.prepared, machine)
        _train_along(state, config, plan.prepared, machine)
    return {}


def _train_along(state: TrainingState, config: Config, prepared: Prepared, machine: Machine) -> None:
    """Take part in every step; raises Interrupted if the leading process has stopped, as both were told."""
    with deferred() as stop:  # the leading process gets the signal, too, and decides when to stop
        try:
            for _ in train(state, prepared.validation, config, machine):
                pass
        except DivergedError:
            pass  # the leading process says so
        except MachineError:
            if stop.signal_number is not None:
                raise Interrupted(stop.signal_number) from None
            raise


def _require_same_start(state: TrainingState, config: Config, prepared: Prepared, machine: Machine) -> None:
    recipe = {key: value for key, value in config.settings().items() if not key.startswith(ELSEWHERE)}
    data = (prepared.data_hash, prepared.further_hash, prepared.split_hashes, prepared.vocabulary.to_text())
    machine.processes.require_same(f"{(recipe, data, state.progress.step)}")


def _begin_or_restore(
    checkpoint: Checkpoint | None, config: Config, plan: Plan, machine: Machine
) -> TrainingState:
    beginning = (plan.stages, config.training, machine.device)
    if checkpoint is None:
        return TrainingState(*beginning)
    try:
        return TrainingState.restore(*beginning, checkpoint.tensors, checkpoint.progress)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{checkpoint.path} does not fit the run's configuration: {error}") from None


def _follow(
    run: RunFolder,
    state: TrainingState,
    config: Config,
    prepared: Prepared,
    machine: Machine,
    loggers: Sequence[Logger],
    stop: StopRequest,
) -> None:
    """Consume the loop: show, log and save each event, and stop where it is safe."""
    progress = state.progress
    before = time.perf_counter()
    for event in train(state, prepared.validation, config, machine):
        now = time.perf_counter()
        progress.seconds += now - before
        before = now
        for logger in loggers:
            logger.show(event, state)
        if isinstance(event, Step | Epoch):
            progress.metrics_bytes = run.append_metrics(_record(event))
        due = isinstance(event, Epoch) or (
            isinstance(event, Step) and event.step % config.training.checkpoint_steps == 0
        )
        if due or stop.signal_number is not None:
            saved = _save(run, state)
            if stop.signal_number is not None:
                say(f"stopped; saved {saved}")
                raise Interrupted(stop.signal_number)


def _save(run: RunFolder, state: TrainingState) -> Path:
    """Write a checkpoint; raises DivergedError, and keeps those there are, if a step has spoilt the state."""
    tensors = state.tensors()
    if name := first_infinite(tensors):
        good = [path.name for path in run.checkpoints()]
        raise DivergedError(
            f"{name} is no longer finite after step {state.progress.step}; "
            f"the last good checkpoint is {good[-1] if good else 'none'}; lower the stage's learning_rate"
        )
    return run.save_checkpoint(tensors, state.progress_dict())


def _record(event: Step | Epoch) -> dict[str, Any]:
    kind = "step" if isinstance(event, Step) else "epoch"
    return {"event": kind, **asdict(event)}


def _finish(
    run: RunFolder,
    state: TrainingState,
    config: Config,
    plan: Plan,
    machine: Machine,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Write the best weights, golden predictions and the facts with what came out."""
    start, prepared = time.perf_counter(), plan.prepared
    weights = join_weights(state.members, _final_evidence(run, state, config, plan, machine))
    seconds = state.progress.seconds + time.perf_counter() - start
    model = build_model(config, prepared.vocabulary, weights, run.path)
    assert isinstance(model, SentimentClassifier | Ensemble)
    machine = replace(machine, precision=torch.float32, processes=ALONE)  # as `Predictor.load` will
    predictor = Predictor(config, prepared.vocabulary, model.to(machine.device), machine)
    reviews, labels_N = prepared.validation
    temperature = 1.0
    if config.calibration.temperature:
        temperature = best_temperature(predictor.logits(reviews), labels_N)
        model.scale_logits(1 / temperature)
        weights = model.state_dict()
    golden = predictor.golden(prepared.golden)
    facts |= {
        "result": {
            "stages": state.progress.finished,
            "validation": asdict(evaluate(predictor.logits(reviews), labels_N)) if len(reviews) else None,
            "temperature": temperature,
            "seconds": round(seconds, 1),
            "peak_memory_bytes": peak_memory_bytes(machine.device),
        }
    }
    run.finish(weights, golden, facts)
    return facts


def _final_evidence(
    run: RunFolder, state: TrainingState, config: Config, plan: Plan, machine: Machine
) -> NGramEvidence | None:
    """The evidence; fitted anew, where it has more to learn from than the labels of train."""
    prepared = plan.prepared
    guessed = _guess(run, state, config, plan, machine) if config.evidence.unlabelled else None
    if guessed is None and prepared.phrases is None:
        return plan.evidence()
    say("fitting the n-gram evidence that stays")
    (words,) = prepared.vocabulary.sizes
    return fit_evidence(prepared.train, words, config, prepared.extra, prepared.phrases, guessed)


def _guess(
    run: RunFolder, state: TrainingState, config: Config, plan: Plan, machine: Machine
) -> LabelledReviews | None:
    """The unlabelled reviews, where there are any, with what members and evidence say of them."""
    unlabelled = plan.prepared.unlabelled
    if unlabelled is None:
        return None
    weights = join_weights(state.members, plan.evidence())
    say("labelling the unlabelled reviews for the n-gram evidence")
    model = build_model(config, plan.prepared.vocabulary, weights, run.path)
    return LabelledReviews(unlabelled, probabilities(score(model.to(machine.device), unlabelled, machine)))


def _write_report(run: RunFolder, source: str, machine: Machine) -> None:
    """Write the page about a run that is finished already; that it fails takes nothing from the run."""
    from sentiment.report import write_report

    try:
        write_report(
            [run.path],
            run.report_path,
            source=source,
            split="validation",
            device=str(machine.device),
            threads=machine.threads,
            force=True,
        )
    except Interrupted:
        say(f"stopped; {run.path} is finished, but for its page")
        raise
    except Exception as error:  # whatever it is, the run is finished and stays so
        say(f"warning: no report: {error or type(error).__name__}")


def _describe(config: Config, prepared: Prepared, machine: Machine) -> dict[str, Any]:
    """What run.json says of a run before it has a result."""
    return {
        "versions": library_versions(),
        "git": git_commit(),
        "seed": config.seed,
        "machine": {
            "device": str(machine.device),
            "threads": machine.threads,
            "processes": process_count(config.machine, machine),
            "precision": config.machine.precision,
        },
        "data": {
            "source": config.data.source,
            "hash": prepared.data_hash,
            "further_hash": prepared.further_hash,
            "split_hashes": prepared.split_hashes,
            "train": len(prepared.train.reviews),
            "unlabelled": 0 if prepared.unlabelled is None else len(prepared.unlabelled),
            "extra": 0 if prepared.extra is None else len(prepared.extra.reviews),
            "phrases": 0 if prepared.phrases is None else len(prepared.phrases.reviews),
            "validation": len(prepared.validation.reviews),
            "validation_rule": prepared.rule,
            "shared_groups": prepared.shared_groups,
            "words": prepared.vocabulary.sizes,
        },
    }


def _differences(own: Config, other: Config) -> str:
    first, second = own.settings(), other.settings()
    return ", ".join(f"{key} {first[key]} -> {second[key]}" for key in first if first[key] != second[key])
