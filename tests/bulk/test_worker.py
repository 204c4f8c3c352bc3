"""A worker writes what one process writes, and a file that cannot be read does not stop the others."""

import dataclasses

import pytest

from sentiment.bulk import score
from sentiment.bulk.progress import Counts
from sentiment.bulk.ray_engine import Workers
from sentiment.bulk.worker import Report, Worker
from sentiment.errors import DataError, MachineError, RunError


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
