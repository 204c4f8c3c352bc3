"""Listen on an address and answer until a signal comes; what was asked before it is still answered."""

import errno
import ipaddress
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment.data.text import shorten
from sentiment.errors import MachineError, UsageError
from sentiment.serving.limits import DEFAULT_LIMITS, Limits
from sentiment.system.console import say
from sentiment.system.versions import require_extra

if TYPE_CHECKING:
    import uvicorn

    from sentiment.serving.gate import Application

PACKAGES = ("fastapi", "uvicorn", "prometheus_client")
BACKLOG = 1_024
SWITCH_SECONDS = 0.001


@dataclass(frozen=True)
class ServeOptions:
    """Where a model is served, and to whom."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes any free one."""
    hosts: Sequence[str] = ()
    """Further names under which clients reach the server."""
    origins: Sequence[str] = ()
    """Origins of web pages elsewhere that may use it."""
    device: str = "auto"
    threads: int = 0
    """0 uses every core."""


def serve(path: Path, options: ServeOptions) -> None:
    """Serve a run until SIGINT or SIGTERM, which then ends the process as usual.

    Raises MachineError if nobody can listen on the address, and what `Predictor.load` raises.
    """
    require_extra("serve", *PACKAGES)
    from sentiment.inference.predictor import Predictor
    from sentiment.runs import run_title
    from sentiment.serving.app import build_app
    from sentiment.serving.callers import CallerRules
    from sentiment.serving.model_facts import describe_model

    with open_socket(options.host, options.port) as listener:
        predictor = Predictor.load(path, options.device, options.threads)
        rules = CallerRules(options.host, options.hosts, options.origins)
        machine = predictor.machine
        threads = machine.threads if machine.device.type == "cpu" else 1
        predictor.machine = replace(machine, threads=1)  # of each thread that scores
        app = build_app(predictor, describe_model(path, predictor), rules, threads=threads)
        sys.setswitchinterval(SWITCH_SECONDS)  # the model must not keep the connections waiting
        say(f"serving {run_title(path)} on {address_of(listener)} (Ctrl-C stops it)")
        if not is_loopback(listener):
            say("whoever reaches this address can use the model; there is no password and no encryption")
        make_server(app).run(sockets=[listener])


def make_server(app: "Application", limits: Limits = DEFAULT_LIMITS) -> "uvicorn.Server":
    """Return what answers connections with an application; on a signal it answers what it has."""
    import uvicorn

    from sentiment.serving.protocol import connection_class

    config = uvicorn.Config(
        app,
        http=connection_class(limits),
        ws="none",
        lifespan="on",
        log_config=None,  # the access log is our own, and errors are in it
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(limits.answer_seconds) + 1,
    )
    return uvicorn.Server(config)


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises UsageError or MachineError if the address cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except socket.gaierror:
        raise UsageError(f"--host {shorten(host)} is no address of this machine; try 127.0.0.1") from None
    except OSError as error:
        raise MachineError(_describe_refusal(error, host, port)) from None


def _describe_refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {shorten(host)} is in use; choose another: --port {port % 65535 + 1}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{shorten(host)} is no address of this machine; try --host 127.0.0.1"
    if error.errno == errno.EACCES:
        return f"this user may not listen on port {port}; choose one from 1024 on: --port 8000"
    return f"cannot listen on {shorten(host)}, port {port}: {error.strerror}"


def address_of(listener: socket.socket) -> str:
    """Return what to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(listener: socket.socket) -> bool:
    """Whether only programs of this machine reach a socket."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback
