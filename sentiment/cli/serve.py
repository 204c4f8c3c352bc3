"""`sentiment serve`: answer requests over HTTP with a run."""

from typing import Annotated

import typer

from sentiment.cli.options import DeviceOption, RunArgument, ThreadsOption, choose_run


def serve_command(
    run: RunArgument = None,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="The address to listen on; 0.0.0.0 is every one."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes any free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name that clients call it by. Repeatable."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="ORIGIN",
            help="A web page elsewhere that may use it, such as https://shop.example. Repeatable.",
        ),
    ] = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Answer requests over HTTP; only for this machine by default."""
    from sentiment.serving.server import ServeOptions, serve

    options = ServeOptions(host, port, allow_host or (), allow_origin or (), device or "auto", threads or 0)
    serve(choose_run(run), options)
