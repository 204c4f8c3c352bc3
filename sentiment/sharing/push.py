"""Send a packed run to a repository of the hub, in one commit, private unless said otherwise."""

import re
from pathlib import Path
from typing import Any

from sentiment.errors import MachineError, RunError, UsageError
from sentiment.sharing.parcel import SENT_FILES, Parcel, pack_run
from sentiment.system.hub import HUB_TIMEOUT, hub_errors
from sentiment.system.versions import __version__

OWN_FILES = {".gitattributes"}  # what a new repository has
COMMIT = re.compile(r"[0-9a-f]{40}")


def push_run(
    run: str | Path,
    repository: str,
    *,
    public: bool = False,
    without_texts: bool = False,
    force: bool = False,
) -> str:
    """Send a finished run to a repository `user/name` of the hub, and return its name there, `hf://...`.

    Raises what `pack_run` and `send_parcel` raise.
    """
    return send_parcel(pack_run(run, repository, without_texts=without_texts), public=public, force=force)


def send_parcel(parcel: Parcel, *, public: bool = False, force: bool = False) -> str:
    """Commit a run to its repository, which is made if it is missing; return the name of what was sent.

    The token comes from HF_TOKEN or the login of the hub. Raises UsageError if the repository has files (and
    not `force`), or is public or private against `public`; MachineError if the hub refuses or breaks off.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

    if get_token() is None:
        raise MachineError("no token for the hub; log in with: hf auth login, or set HF_TOKEN")
    api, repository = HfApi(), parcel.repository
    with hub_errors(repository, RunError):
        found = _find_repository(api, repository, public)
        there = {file.rfilename for file in found.siblings or ()}
        if there - OWN_FILES and not force:
            raise UsageError(f"{repository} has files already; to commit on top of them add --force")
        changes: list[Any] = [CommitOperationAdd(name, content) for name, content in parcel.files.items()]
        old = sorted((there & SENT_FILES) - parcel.files.keys())
        changes += [CommitOperationDelete(name, is_folder=False) for name in old]
        sent = api.create_commit(
            repository,
            changes,
            commit_message=f"Add a run of sentiment {__version__}",
            parent_commit=found.sha,
        )
    commit = f"@{sent.oid}" if COMMIT.fullmatch(str(sent.oid)) else ""
    return f"hf://{repository}{commit}"


def _find_repository(api: Any, repository: str, public: bool) -> Any:
    """Return what the hub has of a repository, after making it if it is missing.

    Raises UsageError if it is public though it should be private, or the other way round.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        found = api.model_info(repository, timeout=HUB_TIMEOUT)
    except RepositoryNotFoundError:
        api.create_repo(repository, private=not public, exist_ok=True)
        found = api.model_info(repository, timeout=HUB_TIMEOUT)
    if not public and found.private is not True:
        raise UsageError(f"{repository} is public; nothing was sent. To publish the run add --public")
    if public and found.private:
        raise UsageError(
            f"{repository} is private on the hub; leave out --public, or change that there first"
        )
    return found
