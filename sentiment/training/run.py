"""Train a run, or resume one: the two ways into a training."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from sentiment.config import Config
from sentiment.data.reviews import ReviewSource
from sentiment.data.text import shorten
from sentiment.errors import UsageError
from sentiment.runs import Checkpoint, FinishedRun, RunFolder, is_run, read_run
from sentiment.system.console import say
from sentiment.system.device import settle_precision
from sentiment.system.place import Place, read_place
from sentiment.training.finish import finish_run
from sentiment.training.follow import explain_stops, follow_training
from sentiment.training.joint import assist
from sentiment.training.parent import inherit_settings, open_parent
from sentiment.training.session import TrainingSession, describe_start, open_session, training_machine


def train_run(
    config: Config,
    path: Path,
    force: bool = False,
    place: Place | None = None,
    *,
    source: ReviewSource | None = None,
    can_resume: bool = True,
) -> dict[str, Any]:
    """Train a new run in the folder `path`; return the facts of its run.json.

    `place` is this process's place among those that train together, by default what the environment says.
    `source` is the source of the configuration if it is already open. Unless a stopped training `can_resume`,
    because its folder is temporary, no message says how to.
    Only the leading process writes; the others return an empty dict.
    Raises UsageError if the folder is taken (and not `force`) or a setting is not UTF-8, and what preparing
    and training raise.
    """
    place = place or read_place()
    parent = open_parent(config)
    config = _settle_precision(inherit_settings(config, parent))
    if parent is not None and path.resolve() == parent.path.resolve():
        raise UsageError(f"{path} cannot start from itself; choose another --run")
    if not place.leads:
        assist(RunFolder(path), config, place)
        return {}
    _require_utf8(config)
    with RunFolder(path) as run:
        run.claim(force)
        with training_machine(config, place) as machine:
            # Before anything is replaced: it may fail.
            session = open_session(config, place, machine, source, parent)
            run.create(config)
            return _lead(run, None, session, can_resume)


def resume_run(
    path: Path, wanted: Config | None = None, source: str | None = None, place: Place | None = None
) -> dict[str, Any]:
    """Resume a run from its newest whole checkpoint, to the weights it would have had without the stop.

    `source` is where the run's data are now, if they have moved. On a machine other than that of the run's
    configuration (`wanted.machine`) the weights are the same up to rounding. Raises UsageError if `wanted`
    differs from the run's own configuration in anything else; RunError if the run or its data have changed.
    """
    place = place or read_place()
    with RunFolder(path) as run:
        own = run.read_config() if source is None else run.read_config().with_source(source)
        config = own if wanted is None else _on_machine_of(own, wanted, path)
        if not place.leads:
            if not run.is_finished:
                assist(run, config, place)
            return {}
        run.lock()
        if config != own:
            say(f"the run was started on another machine: {_differences(own, config)}")
        if run.is_finished:
            say(f"{path} is already finished")
            return read_run(path).facts
        # Before the data: if the configuration is damaged, the source it names cannot be trusted.
        run.require_start()
        checkpoint = run.newest_checkpoint(lambda message: say(f"warning: {message}"))
        if checkpoint is None:
            say("nothing was saved yet; starting from the beginning")
        with training_machine(config, place) as machine:
            return _lead(run, checkpoint, open_session(config, place, machine))


def train_or_resume(config: Config, path: Path) -> FinishedRun:
    """The finished run in the folder `path`: trained, resumed, or read if it is already finished.

    Raises what `train_run` and `resume_run` raise.
    """
    if is_run(path):
        resume_run(path, config)
    else:
        train_run(config, path)
    return read_run(path)


def _lead(
    run: RunFolder, checkpoint: Checkpoint | None, session: TrainingSession, can_resume: bool = True
) -> dict[str, Any]:
    """Train as the process that writes the run folder, from the beginning or from a checkpoint."""
    vocabulary = session.prepared.vocabulary
    facts = describe_start(session)  # now: the code may change on the disk while it runs
    run.check_start(vocabulary, facts)
    run.write_start(vocabulary, facts)
    with explain_stops(run, session.config) if can_resume else nullcontext():
        state = follow_training(run, checkpoint, session)
        return finish_run(run, session, state, facts)


def _settle_precision(config: Config) -> Config:
    """The configuration with the precision that `auto` stands for here, of which the user is told."""
    machine = settle_precision(config.machine)
    if machine == config.machine:
        return config
    say(f"training in {machine.precision}, the faster precision on this machine")
    return config.model_copy(update={"machine": machine})


def _require_utf8(config: Config) -> None:
    """Raise UsageError if a setting, such as a path, has bytes that config.toml cannot hold."""
    for key, value in config.settings().items():
        try:
            f"{value}".encode()
        except UnicodeEncodeError:
            raise UsageError(f"{key} is not UTF-8; rename {shorten(value)}") from None


def _on_machine_of(own: Config, wanted: Config, path: Path) -> Config:
    """The run's configuration on the machine of another; raises UsageError if these differ in more.

    The run keeps its version of `text.rules` unless `wanted` names another one, and the precision that `auto`
    stood for when it began.
    """
    if "rules" not in wanted.text.model_fields_set:
        wanted = wanted.with_text(rules=own.text.rules)
    wanted = inherit_settings(wanted, open_parent(wanted))
    if wanted.machine.precision == "auto":
        kept = wanted.machine.model_copy(update={"precision": own.machine.precision})
        wanted = wanted.model_copy(update={"machine": kept})
    config = own.model_copy(update={"machine": wanted.machine})
    if wanted != config:
        raise UsageError(
            f"{path} was started with another configuration ({_differences(config, wanted)}); resume it "
            "without these settings, with --data if its reviews have moved, or start a new run"
        )
    return config


def _differences(own: Config, other: Config) -> str:
    first, second = own.settings(), other.settings()
    return ", ".join(f"{key} {first[key]} -> {second[key]}" for key in first if first[key] != second[key])
