"""`sentiment export`: a file that is whole and right, or none."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from sentiment.exporting import check
from sentiment.system import storage, versions
from tests.helpers import assert_one_error

ROOT = Path(__file__).parents[2]


def test_a_run_is_exported(command, run, tmp_path):
    import onnx

    out = tmp_path / "model.onnx"
    result = command("export", run, out)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{out} (") and "no logit differs by more than" in result.stdout
    model = onnx.load(out)
    (entry,) = model.metadata_props
    about = json.loads(entry.value)
    assert entry.key == "sentiment"
    assert (about["format"], about["classes"], about["threshold"]) == (2, ["negative", "positive"], 0.5)
    assert (about["head"], about["tail"]) == (3, 4)
    assert "film" in about["channels"][0]["words"]
    axes = [[axis.dim_param for axis in given.type.tensor_type.shape.dim] for given in model.graph.input]
    assert axes == [["batch", "length"], ["batch"]]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_file_that_differs_is_not_left_behind(command, run, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "TOLERANCE", 1e-12)
    result = command("export", run, tmp_path / "model.onnx")
    assert_one_error(result, 6, "does not give the logits of the run", "nothing was written")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_weight_is_noticed(command, run, tmp_path, monkeypatch):
    check_file = check.check_file

    def check_another(content, predictor):
        predictor.model.members[1].head.bias.data += 1e-3
        return check_file(content, predictor)

    monkeypatch.setattr(check, "check_file", check_another)
    assert_one_error(command("export", run, tmp_path / "model.onnx"), 6, "differ by up to")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced_only_with_force(command, run, tmp_path):
    out = tmp_path / "model.onnx"
    out.write_text("mine")
    assert_one_error(command("export", run, out), 2, "exists", "--force")
    assert out.read_text() == "mine"
    assert command("export", run, out, "--force").returncode == 0
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("target", "words"), [("nowhere/model.onnx", "its folder does not exist"), (".", "it is a folder")]
)
def test_a_place_that_takes_no_file_is_refused(command, run, tmp_path, target, words):
    assert_one_error(command("export", run, target, cwd=tmp_path), 2, words)


def test_a_damaged_run_is_refused(command, run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert_one_error(command("export", copy, tmp_path / "model.onnx"), 3, "model.safetensors is damaged")
    assert not (tmp_path / "model.onnx").exists()


def test_a_full_disk_leaves_nothing(command, run, tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", fail)
    assert_one_error(command("export", run, tmp_path / "model.onnx"), 4, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_the_command_says_what_to_install(command, run, tmp_path, monkeypatch):
    known = versions.find_spec
    monkeypatch.setattr(versions, "find_spec", lambda name: None if name == "onnxruntime" else known(name))
    result = command("export", run, tmp_path / "model.onnx")
    assert_one_error(result, 2, 'export needs the package onnxruntime: pip install "lstm-sentiment[export]"')
