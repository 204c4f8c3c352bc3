"""Follow the training loop in the leading process: show, log and save its events, and stop safely."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sentiment.config import Config, override
from sentiment.errors import DivergedError, Interrupted, MachineError
from sentiment.runs import Checkpoint, RunFolder
from sentiment.runs.commands import resume_command_line
from sentiment.system.console import say
from sentiment.system.interrupts import StopRequest, deferred
from sentiment.training.joint import joined_machine, require_same_start
from sentiment.training.loggers import Logger, ProgressDisplay, TensorBoardLog
from sentiment.training.loop import Epoch, Step, train
from sentiment.training.session import TrainingSession
from sentiment.training.state import TrainingState, begin_or_restore, first_infinite


def follow_training(run: RunFolder, checkpoint: Checkpoint | None, session: TrainingSession) -> TrainingState:
    """Train from the beginning, or from a checkpoint, to the end of the last stage; save on the way."""
    config = session.config
    with joined_machine(run, config, session.place, session.machine) as machine:
        machine.processes.wait()  # the others find the tokens in the cache
        session = session.on(machine)
        state = begin_or_restore(checkpoint, session.stages, config.training, machine.device)
        require_same_start(session, state)
        run.cut_metrics(state.progress.metrics_bytes)
        if checkpoint is not None:
            say(f"resuming from {checkpoint.path}")
        loggers: list[Logger] = [ProgressDisplay()]
        if config.logging.tensorboard:
            loggers.append(TensorBoardLog(run.make_tensorboard_folder(), state.progress.step))
        try:
            _record_events(run, session, state, loggers)
        finally:
            for logger in loggers:
                logger.close()
    return state


@contextmanager
def explain_stops(run: RunFolder, config: Config) -> Iterator[None]:
    """Print how to resume if the block is stopped, or put it into the error if the machine fails."""
    try:
        try:
            yield
        except (MachineError, MemoryError) as error:
            checkpoints = run.checkpoints()
            if not checkpoints:
                raise
            how = f"{checkpoints[-1]} is whole; to resume: {_current_resume_command(run, config)}"
            raise MachineError(f"{str(error) or 'not enough memory'}; {how}") from None
    except Interrupted:  # torchrun stops this process while it reports that another one has ended
        if not run.checkpoints():
            say("stopped before anything was learned")
        say(f"to resume: {_current_resume_command(run, config)}")
        raise


def _record_events(
    run: RunFolder, session: TrainingSession, state: TrainingState, loggers: Sequence[Logger]
) -> None:
    """Consume the loop; raises Interrupted after a save if the process was asked to stop."""
    config, progress = session.config, state.progress
    before = time.perf_counter()
    with deferred() as stop:
        machine = replace(session.machine, processes=session.machine.processes.heeding(stop))
        for event in train(state, session.prepared.validation, config, machine):
            now = time.perf_counter()
            progress.seconds += now - before
            before = now
            for logger in loggers:
                logger.show(event, state)
            if isinstance(event, Step | Epoch):
                progress.metrics_bytes = run.append_metrics(_metrics_record(event))
            if _is_due(event, config.training.checkpoint_steps) or stop.signal_number is not None:
                _save(run, state, stop)
        stop.check()  # a signal that came after the last save


def _is_due(event: object, checkpoint_steps: int) -> bool:
    """Whether a checkpoint follows this event."""
    return isinstance(event, Epoch) or (isinstance(event, Step) and event.step % checkpoint_steps == 0)


def _save(run: RunFolder, state: TrainingState, stop: StopRequest) -> None:
    """Write a checkpoint; raises Interrupted afterwards if the process was asked to stop."""
    saved = _save_checkpoint(run, state)
    if stop.signal_number is not None:
        say(f"stopped; saved {saved}")
        stop.check()


def _save_checkpoint(run: RunFolder, state: TrainingState) -> Path:
    """Write a checkpoint; raises DivergedError, and keeps the earlier ones, if the state is spoilt."""
    tensors = state.tensors()
    if name := first_infinite(tensors):
        good = [path.name for path in run.checkpoints()]
        raise DivergedError(
            f"{name} is no longer finite after step {state.progress.step}; "
            f"the last good checkpoint is {good[-1] if good else 'none'}; "
            f"lower the learning rate: --set {state.stage.half_learning_rate}"
        )
    return run.save_checkpoint(tensors, state.progress_dict())


def _metrics_record(event: Step | Epoch) -> dict[str, Any]:
    if isinstance(event, Step):
        return {"event": "step", **asdict(event)}
    judged = event.validation
    return {"event": "epoch", **vars(event), "validation": None if judged is None else judged.summary()}


def _current_resume_command(run: RunFolder, config: Config) -> str:
    """The command that resumes this training: with the data where they are now, on the same machine."""
    own = run.read_config()
    settings, machine = own.machine.model_dump(), config.machine.model_dump()
    changes = [override(f"machine.{key}", machine[key]) for key in machine if machine[key] != settings[key]]
    source = None if config.data.source == own.data.source else config.data.source
    return resume_command_line(run.path, source, changes)
