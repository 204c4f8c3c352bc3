"""`sentiment probe`, called in this process."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

import sentiment
from sentiment.evaluation import probe as results
from sentiment.probes.cases import FILES, NEWEST, probe_set


@pytest.fixture(scope="module")
def found():
    """The answers of the shipped model to every case of each version: they take seconds."""
    model = sentiment.load(threads=1)
    return {version: results.probe(model, version) for version in FILES}


@pytest.fixture
def probe(command, found, tmp_path, monkeypatch):
    """Run `sentiment probe ...` in a folder without runs: the shipped model is probed."""
    monkeypatch.setattr(results, "probe", lambda predictor, version: found[version])
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: command("probe", "--threads", 1, *arguments)


def test_the_command_probes_the_run(command, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answered = json.loads(command("probe", "--threads", 1, "--json")[1])
    assert answered == json.loads(json.dumps({"run": answered["run"]} | asdict(found[2])))


def test_the_table_has_every_capability_and_some_failures(probe):
    code, stdout, stderr = probe()
    assert (code, stderr) == (0, "using the shipped model (no finished run under runs/)\n")
    table, *failing = stdout.split("\n\n")
    rows = table.splitlines()
    assert rows[0].split() == ["capability", "cases", "passed", "share", "95%", "open", "held", "out"]
    assert [row[:12].rstrip(" *") for row in rows[1:-1]] == list(probe_set().hard)
    assert sum(int(row[12:].split()[0]) for row in rows[1:-1]) == len(probe_set().cases)
    assert rows[-1].startswith("* expected to fail") and "sarcasm *" in table
    (sarcasm,) = (block for block in failing if block.startswith("sarcasm: "))
    assert sarcasm.count("expected negative, got:") == 2
    assert all(len(line) <= 80 for line in stdout.splitlines())


def test_version_1_has_no_halves(probe):
    rows = probe("--version", 1, "--failures", 0)[1].splitlines()
    assert rows[0].split() == ["capability", "cases", "passed", "share", "95%"]
    assert [row[:12].rstrip(" *") for row in rows[1:-1]] == list(probe_set(1).hard)
    assert rows[-1] == "* expected to fail; version 1 of the cases"
    assert json.loads(probe("--version", 1, "--json")[1])["version"] == 1


def test_the_documentation_shows_what_the_shipped_model_does_now(probe):
    tables = [probe("--failures", 0, "--version", version)[1] for version in FILES]
    page = (Path(__file__).parents[2] / "docs" / "probe.md").read_text(encoding="utf-8")
    assert all(table in page for table in tables), "the model or the cases changed: update docs/probe.md"
    assert f"puts {len(probe_set().cases):,} short texts" in page
    for name, count in Counter(case.capability for case in probe_set().cases).items():
        assert f"| {name} | {count} |" in page


def test_as_many_failures_are_shown_as_asked_for(probe):
    none = probe("--failures", 0)[1]
    assert none.count("\n\n") == 0
    every = probe("--failures", 10_000)[1]
    found = json.loads(probe("--json")[1])
    texts = [
        text for row in found["capabilities"] for fail in row["failures"] for text in fail["case"]["texts"]
    ]
    assert every.startswith(none.rstrip())
    shown = " ".join(every.split())
    assert all(" ".join(text.split()) in shown for text in texts)
    assert all(len(line) <= 80 for line in every.splitlines())


def test_json_is_one_object(probe):
    code, stdout, _ = probe("--json")
    found = json.loads(stdout)
    assert code == 0 and stdout.count("\n") == 1
    assert found.keys() == {"run", "version", "capabilities"}
    assert found["version"] == probe_set().version
    for row in found["capabilities"]:
        assert row["halves"].keys() == {"open", "held_out"}
        assert row["cases"] - row["passed"] == len(row["failures"])
        assert row["share_low"] <= row["share"] <= row["share_high"]


def test_a_min_pass_that_is_met_changes_nothing(probe):
    assert probe("--min-pass", 0.1)[:2] == probe()[:2]


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_a_min_pass_that_is_not_met_ends_with_6_after_the_report(probe, extra):
    code, stdout, stderr = probe("--min-pass", 0.99, *extra)
    assert code == 6 and stdout == probe(*extra)[1]
    last = stderr.splitlines()[-1]
    assert last.startswith("error: ") and "negation" in last and "99.0%" in last
    assert "sarcasm" not in last and "scripts" not in last


@pytest.mark.parametrize(
    "wrong",
    [["--min-pass", "1.1"], ["--min-pass", "some"], ["--failures", "-1"], ["--version", NEWEST + 1]],
)
def test_bad_requests_end_with_2(probe, wrong):
    code, stdout, stderr = probe(*wrong)
    assert (code, stdout) == (2, "") and stderr.startswith("error: ") and wrong[0] in stderr


def test_a_missing_run_ends_with_3(probe):
    code, stdout, stderr = probe("nowhere", "--min-pass", 0.5)
    assert (code, stdout) == (3, "") and stderr.startswith("error: no run at runs/nowhere")


def test_help_fits_a_terminal(probe):
    code, stdout, _ = probe("--help")
    assert code == 0 and all(len(line) <= 80 for line in stdout.splitlines())
