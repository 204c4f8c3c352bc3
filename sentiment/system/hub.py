"""Talk to the Hugging Face hub: every failure becomes one line, in which nothing is quoted that the hub says.

A server may repeat what it was sent, and the token is part of that.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sentiment.errors import InputError, MachineError, SentimentError, UsageError

HUB_TIMEOUT = 10  # seconds; without a limit, the client asks a silent hub for more than six minutes
REFUSALS = {
    400: "refuses what it was sent",
    401: "does not let you in; log in with: hf auth login, or set HF_TOKEN. It answers the same for a name "
    "that does not exist",
    403: "forbids this: your token has no right to it",
    409: "has other files there by now; type the command again",
    412: "has other files there by now; type the command again",
    429: "asks for fewer requests; try again later",
}


@contextmanager
def hub_errors(name: str, missing: type[InputError]) -> Iterator[None]:
    """Turn an error of the hub's client into a MachineError, or `missing` if the hub has no such name."""
    try:
        with _quiet_client():
            yield
    except (SentimentError, MemoryError):
        raise
    except Exception as error:
        raise _translate(error, name, missing) from None


@contextmanager
def _quiet_client() -> Iterator[None]:
    """Silence the messages and warnings of the hub's client, which quote the hub; then restore."""
    from huggingface_hub.utils.logging import get_verbosity, set_verbosity

    before = get_verbosity()
    set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        set_verbosity(before)


def is_unreachable(error: Exception) -> bool:
    """Return whether the hub has not answered, or only that it cannot answer now."""
    status = _status_of(error)
    return status == 429 or status >= 500 if status else _is_of_the_network(error)


def _translate(error: Exception, name: str, missing: type[InputError]) -> SentimentError:
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

    status = _status_of(error)
    if status == 404:
        return missing(f"the hub has no {name}")
    if status:
        what = REFUSALS.get(status, "fails; try again later" if status >= 500 else "refuses")
        return MachineError(f"{name}: the hub {what} ({status})")
    if isinstance(error, HFValidationError):
        return UsageError(f"{name} is no name on the hub; write user/name")
    if isinstance(error, OfflineModeIsEnabled):
        return MachineError(f"{name}: the hub cannot be asked: HF_HUB_OFFLINE is set")
    if isinstance(error, LocalEntryNotFoundError):
        return MachineError(f"{name} is not in HF_HOME as a whole, and the hub cannot be asked")
    if _is_of_the_network(error):
        return MachineError(f"{name}: the connection to the hub failed ({type(error).__name__})")
    if isinstance(error, OSError) and error.strerror:
        return MachineError(f"{name}: {error.strerror}")
    return MachineError(f"{name}: the hub's answer makes no sense ({type(error).__name__})")


def _status_of(error: Exception) -> int:
    """Return the status of the answer that an error is about, or 0."""
    response = getattr(error, "response", None)
    return int(getattr(response, "status_code", 0) or 0)


def _is_of_the_network(error: Exception) -> bool:
    from huggingface_hub.errors import OfflineModeIsEnabled

    # The client's library for HTTP depends on the release of the client.
    names = {kind.__name__ for kind in type(error).__mro__}
    return (
        isinstance(error, ConnectionError | TimeoutError | OfflineModeIsEnabled) or "TransportError" in names
    )
