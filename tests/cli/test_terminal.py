"""Names, labels and versions of strangers cannot control the terminal, whatever a command prints."""

import json
import shutil
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from sentiment.system import storage
from tests.system.test_console import is_safe

EVIL = "x\x1b]0;owned\x07\x1b[31m\u202e\x9b2J\nerror: forged"


@pytest.fixture
def safely(command, folder, tmp_path, monkeypatch):
    """Return a function that runs a command, and fails if it prints a control character."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder / "run", tmp_path / "run")

    def run(*arguments, code=0, says="x\\x1b]0;owned\\x07"):
        result = command(*arguments)
        assert result.returncode == code, result.stderr
        printed = result.stdout + result.stderr
        assert is_safe(printed) and says in printed, ascii(printed)
        assert "\nerror: forged" not in printed
        return result

    return run


def write_table(name, header, rows):
    lines = [",".join(f'"{cell}"' for cell in row) + "\n" for row in [header, *rows]]
    Path(name).write_text("".join(lines), encoding="utf-8")


def test_the_names_of_a_file_and_a_run(safely, folder):
    shutil.copy(folder / "other.jsonl", f"{EVIL}.jsonl")
    shutil.copytree("run", EVIL)
    safely("eval", f"./{EVIL}", "--data", f"{EVIL}.jsonl")
    safely("predict", f"{EVIL}.jsonl", code=2, says="is a file")
    safely("eval", "./run", "--data", f"missing/{EVIL}", "--debug", code=3)
    safely("inspect", f"./{EVIL}.toml", code=2)


def test_the_classes_of_a_run(safely, tmp_path):
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    facts["data"]["class_names"] = [EVIL, "positive"]
    (tmp_path / "run" / "run.json").write_bytes(storage.dump_json(facts))
    storage.write_manifest(tmp_path / "run")
    safely("predict", "--run", "./run", "--threshold", "1", "--explain", "good")


def test_columns_and_labels(safely):
    write_table("a.csv", ["id", EVIL], [[f"{n}", "a fine film"] for n in range(9)])
    safely("prepare", "--data", "a.csv", code=3)
    write_table("b.csv", ["text", "label"], [["a fine film", EVIL], ["a dull film", "good"]])
    safely("prepare", "--data", "b.csv", code=3)
    safely("predict", "--run", "./run", "--file", "a.csv", "--text", EVIL, says="negative")
    safely("prepare", "--data", "b.csv", "--classes", f"negative={EVIL}", code=2)


def test_class_names_of_a_parquet_file(safely):
    classes = {"info": {"features": {"label": {"names": [EVIL, "positive", "other"], "_type": "ClassLabel"}}}}
    table = pyarrow.table({"text": ["a fine film", "a dull film"], "label": [0, 1]})
    table = table.replace_schema_metadata({"huggingface": json.dumps(classes)})
    pyarrow.parquet.write_table(table, "a.parquet")
    safely("eval", "./run", "--data", "a.parquet", code=3)


def test_files_of_a_run(safely, tmp_path):
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    for entries in ({EVIL: {"sha256": "", "bytes": 1}}, {"n" * 300 + EVIL: {}}, {"\0": {}}):
        content = storage.dump_json({"files": manifest["files"] | entries})
        (tmp_path / "run" / "manifest.json").write_bytes(content)
        safely("predict", "--run", "./run", "good", code=3, says="manifest.json")
    (tmp_path / "run" / "config.toml").write_text('"\\u001b]0;owned\\u0007" = 1\n')
    storage.write_manifest(tmp_path / "run")
    safely("predict", "--run", "./run", "good", code=3, says="\\x1b]0;owned\\x07")


def test_versions_of_a_run(safely, tmp_path):
    run = tmp_path / "run"
    facts = json.loads((run / "run.json").read_text())
    facts["versions"]["torch"] = EVIL
    (run / "run.json").write_bytes(storage.dump_json(facts))
    golden = json.loads((run / "golden.json").read_text())
    golden["reviews"][0]["probability"] = 0.123
    (run / "golden.json").write_bytes(storage.dump_json(golden))
    storage.write_manifest(run)
    safely("predict", "--run", "./run", "good", code=3)
    (run / "manifest.json").unlink()
    (run / "vocabulary.txt").write_text((run / "vocabulary.txt").read_text() + "more\t1\n")
    safely("train", "--resume", "--run", "./run", code=3)


def test_options(safely):
    safely("train", EVIL, code=2)
    safely("train", "--set", f"{EVIL}=1", "small", code=2)
    safely("predict", f"-{EVIL}", code=2, says="x\\033\\1350\\073owned")
    safely("report", "./run", "--split", EVIL, code=3)
