"""Where the command `sentiment` starts, as `python -m sentiment`, too."""

from sentiment.system import interrupts


def main() -> None:
    """Run the command line; a signal that comes before it is loaded ends the program without a word."""
    interrupts.stop_by_default()
    from sentiment.cli import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
