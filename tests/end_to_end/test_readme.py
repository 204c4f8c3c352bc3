"""The README's offline commands, one after the other, as a newcomer types them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commands_of(text: str, heading: str) -> list[str]:
    """The indented commands under a heading, without their comments."""
    section = re.search(rf"^## {heading}$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section, f"no section {heading}"
    lines = re.findall(r"^    (\S.*)$", section[1], re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line) for line in lines]


def test_the_offline_tour_works(tmp_path, environment):
    commands = commands_of((ROOT / "README.md").read_text(encoding="utf-8"), "A tour, offline")
    assert len(commands) >= 6 and all("sentiment " in command for command in commands)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    for command in commands:
        script = f'sentiment() {{ "{sys.executable}" -m sentiment "$@"; }}\n{command}'
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"
        assert result.stdout, command
        assert all(len(line) <= 80 or "{" in line for line in result.stdout.splitlines()), result.stdout
