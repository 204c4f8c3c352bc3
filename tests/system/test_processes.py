"""One of several processes: its share of a batch, and sums over all of them."""

import subprocess
from contextlib import nullcontext
from signal import SIGINT, SIGTERM

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sentiment.errors import Interrupted, MachineError, RunError, UsageError
from sentiment.system.interrupts import StopRequest
from sentiment.system.own_command import own_command, own_environment
from sentiment.system.place import ONLY_PROCESS, Place, read_place
from sentiment.system.processes import ALONE, Processes, join_processes
from sentiment.training.run import resume_run, train_run


class Work:
    """What torch returns for a sum in the background: it lasts for some waits, then ends or fails."""

    def __init__(self, waits=0, failure=None):
        self.waits = waits
        self.failure = failure

    def wait(self, limit=None):
        if self.waits > 0:
            self.waits -= 1
            raise RuntimeError("Operation timed out!")
        if self.failure is not None:
            raise self.failure

    def is_completed(self):
        return self.waits <= 0


@pytest.fixture
def all_reduce(monkeypatch):
    """Return a function that lets `change` take the place of the sum over all processes."""

    def replace(change, work=None):
        def all_reduce(values_X, async_op):
            change(values_X)
            return work or Work()

        monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)

    return replace


@settings(derandomize=True, deadline=None)
@given(items=st.lists(st.integers()), count=st.integers(1, 6))
def test_every_item_is_taken_by_one_process(items, count):
    shares = [Processes(rank, count).share(items) for rank in range(count)]
    assert sorted(item for share in shares for item in share) == sorted(items)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert ALONE.share(items) == items


def test_only_the_first_leads():
    assert read_place({}).leads and read_place({}) == ONLY_PROCESS
    for rank in range(3):
        place = read_place({"WORLD_SIZE": "3", "RANK": f"{rank}", "LOCAL_RANK": f"{rank}"})
        assert place.is_joint and place.leads == (rank == 0) and place.local_rank == rank


def test_a_process_that_was_started_alone_leads_whatever_its_rank():
    assert read_place({"WORLD_SIZE": "1", "RANK": "7"}).leads


def test_a_variable_that_is_no_number_is_named():
    with pytest.raises(UsageError, match="WORLD_SIZE is many; it must be a number"):
        read_place({"WORLD_SIZE": "many"})


@pytest.fixture
def parameters():
    """Two parameters with a gradient, and one without, because no review of this share uses it."""
    torch.manual_seed(2)
    made = [nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(()))]
    made[0].grad, made[2].grad = torch.randn(3, 2), torch.randn(())
    return made


def test_gradients_and_figures_are_summed_together(parameters, all_reduce):
    """Sum as if the other process had the same values plus one."""
    all_reduce(lambda values_X: values_X.mul_(2).add_(1))
    before = [parameters[0].grad.clone(), torch.zeros(4), parameters[2].grad.clone()]
    assert Processes(0, 2).sum_gradients(iter(parameters), 0.5, 3) == [2.0, 7.0]
    for parameter, gradient in zip(parameters, before, strict=True):
        assert torch.equal(parameter.grad, 2 * gradient + 1)


def test_a_single_process_sums_nothing(parameters, monkeypatch):
    monkeypatch.setattr(torch.distributed, "all_reduce", None)
    before = [None if parameter.grad is None else parameter.grad.clone() for parameter in parameters]
    assert ALONE.sum_gradients(parameters, 0.5, 3) == [0.5, 3]
    values_X = torch.ones(2)
    ALONE.sum(values_X)
    ALONE.wait()
    assert values_X.tolist() == [1, 1] and parameters[1].grad is None
    assert all(torch.equal(parameters[index].grad, before[index]) for index in (0, 2))


@pytest.mark.parametrize("waits", [0, 2])
def test_a_process_that_has_ended_gives_one_line(waits, parameters, all_reduce):
    failure = RuntimeError("\n[/gloo/pair.cc:553] Connection closed by peer. Often caused by\nand so on")
    all_reduce(lambda values_X: None, Work(waits, failure))
    for call in (Processes(1, 2).wait, lambda: Processes(1, 2).sum_gradients(parameters)):
        with pytest.raises(
            MachineError, match=r"^another process .* ended; .*--resume \(Connection .* peer\)$"
        ):
            call()


@pytest.mark.parametrize(
    ("signals", "waits", "ends"), [([], 3, False), ([SIGINT], 3, False), ([SIGTERM, SIGINT], 3, True)]
)
def test_a_second_signal_ends_the_wait_for_a_process_that_does_not_answer(
    signals, waits, ends, all_reduce, capsys
):
    stop = StopRequest()
    for number in signals:
        stop.note(number)
    all_reduce(lambda values_X: None, Work(waits))
    with pytest.raises(Interrupted, match="SIGTERM") if ends else nullcontext():
        Processes(0, 2).heeding(stop).wait()
    assert ("does not answer" in capsys.readouterr().err) == ends


def test_after_one_signal_a_process_has_seconds_to_answer(all_reduce, monkeypatch):
    monkeypatch.setattr("sentiment.system.interrupts.SECONDS_TO_ANSWER", 0.0)
    stop = StopRequest()
    stop.note(SIGINT)
    all_reduce(lambda values_X: None, Work(2))
    with pytest.raises(Interrupted, match="SIGINT"):
        Processes(0, 2).heeding(stop).wait()


@pytest.mark.parametrize("other", ["step 20", "step 21"])
def test_processes_with_different_data_do_not_train_together(other, all_reduce):
    sent = []

    def add_what_the_other_sent(values_X):
        if sent:
            values_X += sent[0]
        else:
            sent.append(values_X.clone())
            values_X *= 2

    all_reduce(add_what_the_other_sent)
    Processes(1, 2).require_same(other)
    with nullcontext() if other == "step 20" else pytest.raises(RunError, match="they need the same run"):
        Processes(0, 2).require_same("step 20")


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1"}])
def test_without_torchrun_a_process_is_alone(environment):
    with join_processes(torch.device("cpu"), read_place(environment)) as processes:
        assert processes == ALONE


def test_processes_that_cannot_be_reached_give_an_error(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "5")  # of two
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "no number")
    with (
        pytest.raises(MachineError, match="cannot reach the other processes"),
        join_processes(torch.device("cpu"), read_place()),
    ):
        pass


def test_a_process_that_does_not_begin_gives_an_error():
    with (
        pytest.raises(MachineError, match="a second process for this training did not start"),
        join_processes(torch.device("cpu"), ONLY_PROCESS, 2, ["--version"]),
    ):
        pass


def test_a_process_that_cannot_be_started_gives_an_error(monkeypatch):
    monkeypatch.setattr("sys.executable", "/no/such/program")
    with (
        pytest.raises(MachineError, match="cannot start a second process for this training: "),
        join_processes(torch.device("cpu"), ONLY_PROCESS, 2, ["--version"]),
    ):
        pass


def test_an_assisting_process_does_not_look_for_modules_in_the_current_folder(tmp_path):
    (tmp_path / "typer.py").write_text("raise SystemExit('a file of the user was imported')")
    result = subprocess.run(
        own_command(["--version"]), cwd=tmp_path, env=own_environment(), capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_only_the_first_of_two_processes_reports_a_finished_run(
    tmp_path, rows, write_rows, config_for, capsys
):
    source = write_rows(tmp_path / "reviews.jsonl", rows)
    config = config_for(
        source, "model.layers = 1", "model.hidden = 4", "training.epochs = 1", "machine.device = 'cpu'"
    )
    train_run(config, tmp_path / "run")
    capsys.readouterr()
    assert resume_run(tmp_path / "run", place=Place(rank=1, count=2)) == {}
    assert capsys.readouterr().err == ""
