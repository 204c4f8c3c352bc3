"""The options of an engine: what goes with them, and what is missing."""

import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--file", "in", "--engine", "spark", "--out", "out"], "the only engine is ray"),
        (["--file", "in", "--workers", "2"], "go with --engine ray"),
        (["--file", "in", "--engine", "ray"], "--out FOLDER"),
        (["--file", "-", "--engine", "ray", "--out", "out"], "--out FOLDER"),
        (["--file", "in", "--engine", "ray", "--out", "out", "--json"], "goes without"),
        (["--file", "in", "--engine", "ray", "--out", "out", "--fast"], "goes without --fast"),
        (["--file", "in", "--engine", "ray", "--out", "out", "--device", "cuda:1"], "cpu or cuda"),
        (["--file", "in", "--engine", "ray", "--out", "out", "--unsure", "2"], "--unsure takes"),
    ],
)
def test_options_that_do_not_fit_are_refused(command, tmp_path, options, message):
    result = command("predict", *options, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_the_package_the_command_names_it(command, tmp_path, monkeypatch):
    monkeypatch.setattr("sentiment.cli.bulk_options.find_spec", lambda name: None)
    (tmp_path / "in.csv").write_text("text\nFine.\n")
    result = command(
        "predict", "--run", "shipped", "--file", "in.csv", "--out", "out", "--engine", "ray", cwd=tmp_path
    )
    assert result.returncode == 2
    assert not (tmp_path / "out").exists()
    assert 'pip install "lstm-sentiment[ray]"' in result.stderr
