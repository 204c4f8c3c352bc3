"""Processes that train one model together: the leading one starts and joins them, the others assist it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sentiment.config import Config, override
from sentiment.errors import DivergedError, Interrupted, MachineError
from sentiment.runs import RunFolder
from sentiment.system.device import Machine, process_count, threads_of_each
from sentiment.system.interrupts import deferred
from sentiment.system.place import Place
from sentiment.system.processes import join_processes
from sentiment.training.loop import train
from sentiment.training.session import TrainingSession, open_session, training_machine
from sentiment.training.state import TrainingState, begin_or_restore

# Keys in which processes that train together may differ: they may be on several machines.
KEYS_OF_A_MACHINE = ("data.source", "data.extra", "data.exclude", "machine.", "logging.")


@contextmanager
def joined_machine(run: RunFolder, config: Config, place: Place, machine: Machine) -> Iterator[Machine]:
    """The machine joined with the other processes, with its share of the threads."""
    count = process_count(config.machine, machine, place)
    with join_processes(machine.device, place, count, _assistant_arguments(run, config)) as processes:
        joined = replace(machine, threads=threads_of_each(machine, count, place), processes=processes)
        with joined.using_threads():
            yield joined


def assist(run: RunFolder, config: Config, place: Place) -> None:
    """Compute a share of every step and of every validation for the leading process.

    Raises MachineError or Interrupted if that ends, RunError if it has other data or another recipe.
    """
    with training_machine(config, place) as alone, joined_machine(run, config, place, alone) as machine:
        machine.processes.wait()  # until the leading process has put the tokens into the cache
        checkpoint = run.newest_checkpoint(lambda message: None)  # the leading process warns
        session = open_session(config, place, machine)
        state = begin_or_restore(checkpoint, session.stages, config.training, machine.device)
        require_same_start(session, state)
        _train_along(session, state)


def require_same_start(session: TrainingSession, state: TrainingState) -> None:
    """Raise RunError unless every process has the same recipe, data and step."""
    prepared, settings = session.prepared, session.config.settings()
    recipe = {key: value for key, value in settings.items() if not key.startswith(KEYS_OF_A_MACHINE)}
    data = (prepared.data_hash, prepared.further_hash, prepared.split_hashes, prepared.vocabulary.to_text())
    session.machine.processes.require_same(f"{(recipe, data, state.progress.step)}")


def _assistant_arguments(run: RunFolder, config: Config) -> list[str]:
    """The arguments of `sentiment` for a process that assists with this run."""
    arguments = ["train", "--resume", "--run", f"{run.path.absolute()}", "--data", config.data.source]
    for key, value in config.machine.model_dump().items():
        arguments += ["--set", override(f"machine.{key}", value)]
    return arguments


def _train_along(session: TrainingSession, state: TrainingState) -> None:
    """Take part in every step; raises Interrupted if both processes were told to stop."""
    with deferred() as stop:  # the leading process gets the signal too, and decides when to stop
        try:
            for _ in train(state, session.prepared.validation, session.config, session.machine):
                pass
        except DivergedError:
            pass  # the leading process reports it
        except MachineError:
            if stop.signal_number is not None:
                raise Interrupted(stop.signal_number) from None
            raise
