"""The README's offline commands, one after the other, as a newcomer types them in an empty folder."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
OFFLINE_SECTIONS = ("The shipped model", "Your own csv")


def read_section(heading: str) -> str:
    """Return the README's text under a heading."""
    text = README.read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section, f"no section {heading}"
    return section[1]


def find_commands(text: str) -> list[str]:
    """Return the indented commands of a text, without their comments."""
    return [re.sub(r"\s+#.*", "", line) for line in re.findall(r"^    (\S.*)$", text, re.MULTILINE)]


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_tables(folder: Path) -> None:
    """Write the tables that the pages use: to learn from, to measure on and to predict."""
    rows = [
        {"text": f"{opening} {judgement} in part {number}.", "label": label}
        for number in range(60)
        for opening in ("The story is", "I found the acting")
        for judgement, label in (("wonderful", "positive"), ("dreadful", "negative"))
    ]
    write_rows(folder / "reviews.csv", rows)
    write_rows(folder / "new.csv", [{"id": 1, "text": "A wonderful story."}, {"id": 2, "text": "Dreadful."}])


def run_command(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Type a command in a shell; return what it prints, or the file that it writes."""
    script = f'sentiment() {{ "{sys.executable}" -m sentiment "$@"; }}\n{command}'
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stderr}"
    written = re.search(r"(?:>|--out) (\S+)$", command)
    return (folder / written[1]).read_text(encoding="utf-8-sig") if written else result.stdout


def check_commands(commands: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run commands in order; each prints something that fits a terminal of 80 columns."""
    for command in commands:
        output = run_command(command, folder, environment)
        assert output, command
        if "--out" not in command:
            # Tables, JSON and lines with tabs are for programs.
            lines = [line for line in output.splitlines() if "{" not in line and "\t" not in line]
            assert all(len(line) <= 80 for line in lines), output


@pytest.mark.slow
@pytest.mark.parametrize("heading", OFFLINE_SECTIONS)
def test_the_readmes_offline_commands_work_in_an_empty_folder(heading, tmp_path, environment):
    write_tables(tmp_path)
    commands = find_commands(read_section(heading))
    assert len(commands) >= 3 and all(command.startswith("sentiment ") for command in commands)
    check_commands(commands, tmp_path, environment)


@pytest.mark.slow
def test_the_quickstart_of_the_readme_works_in_an_empty_folder(tmp_path, environment):
    assert "`sentiment train quickstart`" in README.read_text(encoding="utf-8")
    check_commands(["sentiment train quickstart"], tmp_path, environment)
    assert (tmp_path / "runs" / "quickstart-1" / "report.html").exists()
