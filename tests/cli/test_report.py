"""`sentiment report`, called in this process."""

import pytest

from tests.helpers import assert_one_error


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_page_lands_in_the_current_folder(folder, command, tmp_path):
    code, stdout, stderr = command("report", folder / "run", "--split", "validation", "--threads", 1)
    assert code == 0, stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
    assert stdout.startswith("report.html (") and stdout.endswith(" kB)\n")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_nothing_is_overwritten_without_force(folder, command, tmp_path):
    page = tmp_path / "mine.html"
    page.write_text("precious")
    arguments = ["report", folder / "run", "--split", "validation", "--out", page]
    assert_one_error(command(*arguments), 2, str(page), "--force")
    assert page.read_text() == "precious"
    assert command(*arguments, "--force")[0] == 0
    assert page.read_text().startswith("<!doctype html>")


def test_several_runs_are_compared(folder, command, tmp_path):
    code, _, stderr = command(
        "report", folder / "run", folder / "run", "--data", folder / "other.jsonl", "--out", "two.html"
    )
    assert code == 0, stderr
    page = (tmp_path / "two.html").read_text(encoding="utf-8")
    assert "Pairs of runs" in page and "they have the same configuration" in page


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["no-such-run"], 3, "no run at runs/no-such-run"),
        (["{run}", "--split", "dev"], 3, "no split named dev"),
        (["{run}", "--data", "nowhere.csv"], 3, "nowhere.csv"),
        (["{run}", "--out", "no-such-folder/report.html"], 2, "its folder does not exist"),
        (["{run}", "--device", "cuda:99"], 4, "cuda:99"),
        (["{run}", "--device", "cuda:99999999999999999999"], 4, "no device cuda:99999999999999999999 here"),
        (["{run}", "--device", "gpu"], 2, "machine.device: must be auto, cpu, cuda, cuda:N or mps"),
    ],
)
def test_bad_requests_say_what_is_wrong(folder, command, tmp_path, arguments, code, words):
    given = [argument.format(run=folder / "run") for argument in arguments]
    assert_one_error(command("report", *given), code, words)
    assert list(tmp_path.iterdir()) == []


def test_help_fits_a_terminal(command):
    code, stdout, _ = command("report", "--help")
    assert code == 0 and all(len(line) <= 80 for line in stdout.splitlines())
