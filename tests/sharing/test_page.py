"""The commands of docs/sharing.md, typed one after the other, with a hub on this machine."""

import os
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.test_readme import find_commands, run_command, write_tables
from tests.local_hub import TOKEN, LocalHub

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sharing.md"


@pytest.mark.extras
@pytest.mark.timeout(900)
def test_the_commands_of_the_page_work_and_the_variables_of_the_hub_mean_what_they_say(trained, tmp_path):
    """These are processes: the client reads its variables when it is imported."""
    server = LocalHub()
    shutil.copytree(trained, tmp_path / "runs" / "mine")
    write_tables(tmp_path)
    environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"} | {
        "HF_ENDPOINT": server.address,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": TOKEN,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    commands = find_commands(PAGE.read_text(encoding="utf-8"))
    assert len(commands) == 5
    try:
        for command in commands:
            assert run_command(command, tmp_path, environment), command
        asked = len(server.requests)
        online = run_command(commands[2], tmp_path, environment)
        assert len(server.requests) > asked
        asked = len(server.requests)
        offline = environment | {"HF_HUB_OFFLINE": "1"}
        del offline["HF_TOKEN"]
        assert run_command(commands[2], tmp_path, offline) == online
        assert len(server.requests) == asked
        assert list((tmp_path / "hf").rglob("model.safetensors"))
    finally:
        server.stop()
