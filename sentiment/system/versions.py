"""The version of this program, and which versions of the libraries made a run."""

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from sentiment.errors import UsageError

__version__ = "0.1.0"
DISTRIBUTION = "lstm-sentiment"  # what pip calls this program; `sentiment` there is a stranger's

# Those that decide a result: scikit-learn and scipy fit the n-gram evidence, most of the logit.
LIBRARIES = (
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
    own = {"python": platform.python_version(), "sentiment": __version__}
    return own | {name: version(name) for name in LIBRARIES}


def install_command(extra: str) -> str:
    """Return the command that installs an optional part of this program, in any folder."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'


def require_extra(extra: str, *packages: str) -> None:
    """Raise UsageError if one of the packages of an optional part is not installed; it is not imported."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UsageError(f"sentiment {extra} needs the package {missing[0]}: {install_command(extra)}")


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
