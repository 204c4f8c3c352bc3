"""Print messages on stderr without breaking a progress bar."""

import sys


def say(message: str) -> None:
    """Print a line on stderr."""
    from tqdm import tqdm

    tqdm.write(message, file=sys.stderr)
