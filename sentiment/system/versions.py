"""Which program and libraries made a run."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("sentiment", "torch", "torchtext", "spacy", "datasets", "numpy", "safetensors")


def library_versions() -> dict[str, str]:
    """Name -> version of Python and the libraries that decide a result."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def changed_versions(then: dict[str, str]) -> str:
    """Say which versions differ from those recorded, empty if none does."""
    now = library_versions()
    return ", ".join(f"{name} {then.get(name)} -> {now[name]}" for name in now if then.get(name) != now[name])


def git_commit() -> str:
    """The commit this package runs from, with `+` if it was changed; empty outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
