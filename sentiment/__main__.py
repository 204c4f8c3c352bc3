"""The start of the command `sentiment` and of `python -m sentiment`."""

import warnings

from sentiment.system import interrupts


def main() -> None:
    """Run the command line; before it is loaded, a signal ends the program without a message."""
    interrupts.stop_by_default()
    warnings.simplefilter("ignore")  # those of libraries are for programmers
    from sentiment.cli import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
