"""A worker writes what one process writes, and a file that cannot be read does not stop the others."""

import dataclasses
import signal

import pytest

from sentiment.bulk import score
from sentiment.bulk.progress import Counts
from sentiment.bulk.ray_engine import Workers
from sentiment.bulk.worker import Report, Worker
from sentiment.errors import DataError, Interrupted, MachineError, RunError, UsageError


@pytest.fixture
def one_worker(monkeypatch):
    """Put one worker in this process in the place of Ray."""

    def predict_shards(job, shards, workers):
        worker = Worker(job)
        return ((shard, worker.predict(shard)) for shard in shards)

    monkeypatch.setattr(score, "predict_shards", predict_shards)


def test_the_files_are_those_of_one_process_and_errors_wait_to_the_end(
    one_worker, job, folder, expected, tmp_path
):
    out = tmp_path / "out"
    (folder / "broken.csv").write_text("id,number\n1,2\n")
    with pytest.raises(DataError, match=r"1 of 7 files could not be predicted.*broken\.csv"):
        score.score_files(str(folder), out, job, Workers())
    assert {path.name: path.read_bytes() for path in out.glob("part-*")} == expected
    (folder / "broken.csv").unlink()
    scored = score.score_files(str(folder), out, job, Workers())
    assert (scored.files, scored.written.rows, scored.written.unpredicted) == (6, 186, 6)
    assert len(scored.written.flaws) == 3


def test_a_file_that_ended_every_worker_is_named(monkeypatch, job, folder, tmp_path, capsys):
    def predict_shards(job, shards, workers):
        return ((shard, Report(Counts())) for shard in shards[1:])

    monkeypatch.setattr(score, "predict_shards", predict_shards)
    with pytest.raises(MachineError, match="1 of 6 files"):
        score.score_files(str(folder), tmp_path / "out", job, Workers())
    assert "part-0.csv: it ended every worker" in capsys.readouterr().err


def test_a_worker_refuses_another_model(job):
    with pytest.raises(RunError, match="another model on this worker"):
        Worker(dataclasses.replace(job, model="another"))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:6379"])
def test_an_address_where_nothing_answers_is_an_error_before_anything_is_written(
    job, folder, tmp_path, address
):
    with pytest.raises(MachineError, match=rf"--address {address}: no cluster of Ray answers"):
        score.score_files(str(folder), tmp_path / "out", job, Workers(address))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["auto", "ray://head:10001/x", "6379", ":6379"])
def test_an_address_is_a_host_and_a_port(job, folder, tmp_path, address):
    with pytest.raises(UsageError, match="write HOST:PORT"):
        score.score_files(str(folder), tmp_path / "out", job, Workers(address))


def test_a_signal_says_how_to_resume(monkeypatch, job, folder, tmp_path, capsys):
    def predict_shards(job, shards, workers):
        worker = Worker(job)
        yield shards[0], worker.predict(shards[0])
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr(score, "predict_shards", predict_shards)
    with pytest.raises(Interrupted):
        score.score_files(str(folder), tmp_path / "out", job, Workers())
    assert "1 of 6 files are finished; type the same command again" in capsys.readouterr().err
