"""A file that is finished stays finished, and nothing else is taken for it."""

import pytest

from sentiment.bulk.plan import find_shards
from sentiment.bulk.progress import (
    PLAN_FILE,
    describe_file,
    finish_shard,
    is_finished,
    open_progress,
    read_counts,
)
from sentiment.errors import MachineError, UsageError

WORK = {"model": "one"}


@pytest.fixture
def shards(folder, tmp_path):
    return find_shards(str(folder), tmp_path / "out")


def finish(out, shards, counts, number=2):
    with open_progress(out, WORK, shards, force=False):
        for shard in [shard for shard in shards if not is_finished(shard)][:number]:
            shard.target.write_text("predictions")
            finish_shard(shard, describe_file(shard.source), counts)


def waiting(out, shards, work=WORK, force=False):
    with open_progress(out, work, shards, force=force):
        return [shard for shard in shards if not is_finished(shard)]


def test_what_is_finished_is_not_done_again(tmp_path, shards, counts):
    out = tmp_path / "out"
    finish(out, shards, counts)
    assert waiting(out, shards) == shards[2:]
    assert read_counts(shards[0]) == counts


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
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [PLAN_FILE]
