"""A file that is finished stays finished, and nothing else is taken for it."""

import pytest

from sentiment.bulk.plan import find_shards
from sentiment.bulk.progress import PROGRESS_FILE, open_progress
from sentiment.errors import MachineError, UsageError

WORK = {"model": "one"}


@pytest.fixture
def shards(folder, tmp_path):
    return find_shards(str(folder), tmp_path / "out")


def finish(out, shards, counts, number=2, **options):
    with open_progress(out, WORK, shards, **{"force": False} | options) as progress:
        for shard in progress.select_waiting(shards)[:number]:
            shard.target.write_text("predictions")
            progress.finish(shard, counts)


def waiting(out, shards, work=WORK, force=False):
    with open_progress(out, work, shards, force=force) as progress:
        return progress.select_waiting(shards)


def test_what_is_finished_is_not_done_again(tmp_path, shards, counts):
    out = tmp_path / "out"
    finish(out, shards, counts)
    assert waiting(out, shards) == shards[2:]
    with open_progress(out, WORK, shards, force=False) as progress:
        assert progress.counts(shards) == [counts] * 2


def test_a_line_that_was_cut_off_by_a_kill_is_left_out(tmp_path, shards, counts):
    out = tmp_path / "out"
    finish(out, shards, counts)
    record = out / PROGRESS_FILE
    record.write_bytes(record.read_bytes()[:-5])
    assert waiting(out, shards) == shards[1:]
    finish(out, shards, counts, number=1)
    assert waiting(out, shards) == shards[2:]


def test_a_file_that_changed_or_whose_predictions_are_gone_is_done_again(tmp_path, shards, counts):
    out = tmp_path / "out"
    finish(out, shards, counts)
    shards[0].source.write_text("review\nAnother one.\n")
    assert waiting(out, shards) == [shards[0], *shards[2:]]
    shards[1].target.unlink()
    assert waiting(out, shards) == shards


def test_another_model_is_not_mixed_in_without_force(tmp_path, shards, counts):
    out = tmp_path / "out"
    finish(out, shards, counts)
    with pytest.raises(UsageError, match="another model or with other options"):
        waiting(out, shards, {"model": "two"})
    assert waiting(out, shards, {"model": "two"}, force=True) == shards


def test_a_file_that_is_not_ours_is_not_replaced_without_force(tmp_path, shards, counts):
    out = tmp_path / "out"
    finish(out, shards[:2], counts, number=1)
    shards[1].target.write_text("half of a planned one")
    assert waiting(out, shards[:2]) == [shards[1]]
    shards[2].target.write_text("of the user")
    with pytest.raises(UsageError, match="exists; choose another folder"):
        waiting(out, shards)
    assert waiting(out, shards, force=True) == shards


def test_two_commands_do_not_share_a_folder(tmp_path, shards):
    with (
        open_progress(tmp_path / "out", WORK, shards, force=False),
        pytest.raises(MachineError, match="in use by another command"),
    ):
        waiting(tmp_path / "out", shards)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [PROGRESS_FILE]
