"""Find the run that a name means: `shipped`, `newest`, a name under runs/, a path, or `hf://user/name`.

All commands and `sentiment.load` follow this rule.
"""

from importlib import resources
from pathlib import Path

from sentiment.config.shell import quote_run
from sentiment.errors import RunError, UsageError
from sentiment.system import storage

SHIPPED = Path(str(resources.files("sentiment") / "pretrained" / "imdb"))
SHIPPED_NAME, NEWEST_NAME = "shipped", "newest"
HUB_PREFIX = "hf://"
RUNS = Path("runs")


def run_path(name: str | Path) -> Path:
    """Return the folder of a run: a bare word is a name under `runs/`, anything with a slash a path.

    A `Path` is a path. Raises UsageError if the name is empty, `shipped` or `newest`.
    """
    if isinstance(name, Path):
        return name
    if not name.strip():
        raise UsageError("the name of a run is empty; give a name, or a path with a slash")
    if name.startswith(HUB_PREFIX):
        raise UsageError(
            f"{name[:80]} is on the hub; a run is written into a folder, then sent: sentiment push"
        )
    if name in (SHIPPED_NAME, NEWEST_NAME):
        raise UsageError(f"{name} is a reserved name; choose another name, or a path such as ./{name}")
    if "/" in name or name in (".", ".."):
        return Path(name)
    return RUNS / name


def find_run(name: str | Path) -> Path:
    """Return the folder of an existing run: shipped, the newest, one of the hub, or as `run_path`.

    A run of the hub is downloaded if it is not in `HF_HOME`. Raises RunError if there is no newest run, or if
    the only folder of that name is not under `runs/`, and what `download_run` raises.
    """
    if isinstance(name, str) and name.startswith(HUB_PREFIX):
        from sentiment.runs.hub import download_run

        return download_run(name)
    if name == SHIPPED_NAME:
        return SHIPPED
    if name == NEWEST_NAME:
        newest = newest_finished(RUNS)
        if newest is None:
            raise RunError(f"no finished run under {RUNS}/; train one with: sentiment train")
        return newest
    path = run_path(name)
    if isinstance(name, str) and path.parent == RUNS and not path.exists() and is_run(Path(name)):
        raise RunError(f"no run at {path}; for the folder {name} type {quote_run(Path(name))}")
    return path


def newest_finished(root: Path) -> Path | None:
    """Return the run under `root` that was finished last, if there is any."""
    manifests = sorted(root.glob(f"*/{storage.MANIFEST}"), key=lambda path: path.stat().st_mtime_ns)
    runs = [manifest.parent for manifest in manifests if is_run(manifest.parent)]
    return runs[-1] if runs else None


def is_run(path: Path) -> bool:
    """Return whether a folder is a run folder."""
    return (path / "config.toml").is_file()


def looks_like_run(text: str) -> bool:
    """Return whether a text is the name or the path of an existing run."""
    if text == SHIPPED_NAME or text.startswith(HUB_PREFIX):
        return True
    try:
        return bool(text.strip()) and (is_run(Path(text)) or is_run(RUNS / text))
    except (OSError, ValueError):  # too long for a path, or with a null character
        return False


def run_title(path: Path) -> str:
    """Return the name of a run for tables and pages."""
    if path == SHIPPED:
        return "shipped model"
    return hub_title(path) or path.resolve().name


def hub_title(path: Path) -> str | None:
    """Return `user/name@commit` for a folder in the hub's cache, None for any other."""
    parts = path.absolute().parts[-3:]
    if len(parts) < 3 or parts[1] != "snapshots" or not parts[0].startswith("models--"):
        return None
    return f"{parts[0].removeprefix('models--').replace('--', '/', 1)}@{parts[2][:7]}"
