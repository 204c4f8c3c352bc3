"""The files of a finished run in memory, to carry it without its folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from sentiment.errors import RunError, UsageError
from sentiment.runs.decision import DECISION_FILE, read_decision
from sentiment.system import storage


@dataclass(frozen=True)
class RunFiles:
    """The files of a finished run."""

    listed: dict[str, bytes]
    """The content of each file that the manifest lists, by its name."""
    decision: bytes | None = None
    """The file of the threshold, if one is kept."""

    @classmethod
    def read(cls, path: Path) -> "RunFiles":
        """Read the files of a run; raises RunError if one is missing or damaged."""
        entries = storage.read_manifest(path, RunError, follow_links=True)
        listed = {
            name: storage.read_verified(path, name, entries, RunError, follow_links=True) for name in entries
        }
        has_decision = read_decision(path) is not None
        decision = storage.read_bytes(path / DECISION_FILE, RunError, True) if has_decision else None
        return cls(listed, decision)

    def write(self, path: Path) -> None:
        """Write the run into a new folder, whole or not at all.

        Raises UsageError if something is there, MachineError if the folder cannot be written.
        """
        if os.path.lexists(path):
            raise UsageError(f"{path} exists; choose another name")
        with storage.new_folder(path, parent_may_be_link=True) as folder, storage.machine_errors(path):
            for name, content in self.listed.items():
                with folder.open(name, "xb") as file:
                    file.write(content)
        if self.decision is not None:
            storage.write_file(path / DECISION_FILE, self.decision)
