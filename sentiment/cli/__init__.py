"""The command line: one thin file for each command."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sentiment.cli.baseline import baseline_command
from sentiment.cli.eval import eval_command
from sentiment.cli.export import export_command
from sentiment.cli.guard import Switches, guard
from sentiment.cli.inspect import inspect_command
from sentiment.cli.limits import check_limits
from sentiment.cli.predict import PredictCommand, predict_command
from sentiment.cli.prepare import prepare_command
from sentiment.cli.probe import probe_command
from sentiment.cli.push import push_command
from sentiment.cli.report import report_command
from sentiment.cli.serve import serve_command
from sentiment.cli.train import train_command
from sentiment.system import interrupts
from sentiment.system.console import show


class CommandGroup(TyperGroup):
    """Commands that share the option --debug, which can be typed at any place of the line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        shared = [option for option in self.params if option.name == "debug"]
        for command in self.commands.values():
            command.params += shared


app = typer.Typer(cls=CommandGroup, rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("prepare")(prepare_command)
app.command("train")(train_command)
app.command("eval")(eval_command)
app.command("baseline")(baseline_command)
app.command("report")(report_command)
app.command("predict", cls=PredictCommand)(predict_command)
app.command("probe")(probe_command)
app.command("inspect")(inspect_command)
app.command("push")(push_command)
app.command("serve")(serve_command)
app.command("export")(export_command)


def _switch_debug(context: typer.Context, wanted: bool) -> None:
    if wanted and isinstance(context.obj, Switches):
        context.obj.debug = True


def _show_version(wanted: bool) -> None:
    if wanted:
        from sentiment import __version__

        show(__version__)
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            callback=_switch_debug,
            is_eager=True,
            expose_value=False,
            help="Show the traceback of an error.",
        ),
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train, judge and use an LSTM sentiment model for reviews."""
    check_limits()


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    interrupts.stop_by_default()  # from here on, nothing turns an exception into an error line
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    switches = Switches()
    return guard(lambda: app(arguments or ["--help"], standalone_mode=False, obj=switches), switches)
