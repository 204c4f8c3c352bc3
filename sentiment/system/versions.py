"""Which versions of the program and its libraries made a run."""

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

# Those that decide a result: scikit-learn and scipy fit the n-gram evidence, most of the logit.
LIBRARIES = (
    "sentiment",
    "torch",
    "torchtext",
    "spacy",
    "datasets",
    "numpy",
    "scipy",
    "scikit-learn",
    "safetensors",
)


def library_versions() -> dict[str, str]:
    """Map Python and the libraries that decide a result to their versions."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def changed_versions(then: Mapping[str, object]) -> str:
    """The recorded versions that have changed since, such as `torch 2.12.0 -> 2.13.0`; empty if none has."""
    now = library_versions()
    return ", ".join(
        f"{name} {str(then[name])[:20]} -> {now[name]}"
        for name in now
        if name in then and then[name] != now[name]
    )


def git_commit() -> str:
    """The commit this package runs from, with `+` if files have changed; empty outside a checkout."""
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
