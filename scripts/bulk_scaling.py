"""Measure how many short rows `predict --engine ray` predicts in a second, with one worker and with two.

    python -m scripts.bulk_scaling --rows 1000000 --files 40

It makes the rows, predicts them with one worker and with two, checks that both write the same bytes, and
prints a table. The seconds are those of the whole command: start of Ray and loading of the model included.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet

from sentiment.system.own_command import own_command, own_environment

SUBJECTS = ("film", "plot", "acting", "phone", "battery", "hotel", "room", "soup", "service", "ending")
WORDS = ("wonderful", "dull", "lovely", "awful", "fine", "broken", "superb", "boring", "clean", "noisy")
PLACES = ("in the evening", "for the price", "on the second day", "as expected", "without any doubt")


def make_files(folder: Path, rows: int, files: int) -> None:
    """Write parquet files with short rows; the same ones each time."""
    source = random.Random(1)
    for number in range(files):
        count = rows // files + (number < rows % files)
        texts = [
            f"The {source.choice(SUBJECTS)} was {source.choice(WORDS)} {source.choice(PLACES)}."
            for _ in range(count)
        ]
        table = pyarrow.table({"id": range(count), "text": texts})
        pyarrow.parquet.write_table(table, folder / f"part-{number:04}.parquet")


def measure(folder: Path, out: Path, workers: int, run: str) -> float:
    """Predict the files with so many workers; return the seconds."""
    arguments = ["predict", "--run", run, "--file", str(folder), "--out", str(out), "--engine", "ray"]
    began = time.perf_counter()
    subprocess.run(own_command([*arguments, "--workers", str(workers)]), env=own_environment(), check=True)
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; return 1 if the files of two workers are not those of one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--run", default="shipped")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "in")
        folder.mkdir()
        make_files(folder, given.rows, given.files)
        outs = {count: Path(name, f"out-{count}") for count in given.workers}
        seconds = {count: measure(folder, out, count, given.run) for count, out in outs.items()}
        first, *others = (sorted(out.glob("*.parquet")) for out in outs.values())
        same = all(
            [path.read_bytes() for path in first] == [path.read_bytes() for path in other] for other in others
        )
    print("| workers | rows | seconds | rows/s | against the first |\n| --- | --- | --- | --- | --- |")
    for count, taken in seconds.items():
        ratio = seconds[given.workers[0]] / taken
        print(f"| {count} | {given.rows:,} | {taken:.0f} | {given.rows / taken:,.0f} | {ratio:.2f} |")
    print(f"the files are {'the same' if same else 'NOT the same'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
