"""Measure tokenizing into the cache beside spaCy's tokenizer bare, with the same number of processes."""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context

from sentiment.config import DataSettings
from sentiment.data.reviews import load_reviews
from sentiment.data.tokens import CHUNK, normalise, shared_tokenizer, tokenize_cached
from sentiment.system.device import available_cores


def count_tokens(texts: list[str]) -> int:
    """What a bare worker does: normalise and tokenize, keep nothing."""
    tokenizer = shared_tokenizer()._nlp.tokenizer
    return sum(len(tokenizer(normalise(text))) for text in texts)


def run_bare(texts: list[str], processes: int) -> None:
    """spaCy's tokenizer over chunks in a pool."""
    shared_tokenizer()
    chunks = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
    with get_context("fork").Pool(processes) as pool:
        sum(pool.imap(count_tokens, chunks))


def run_ours(texts: list[str], processes: int) -> None:
    """Ours into an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        tokenize_cached(texts, "tokenizing", processes)


def seconds(run: Callable[[list[str], int], None], texts: list[str], processes: int) -> float:
    """Time of one run."""
    start = time.perf_counter()
    run(texts, processes)
    return time.perf_counter() - start


def main() -> None:
    """Parse the options, alternate both ways, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="stanfordnlp/imdb")
    parser.add_argument("--processes", type=int, default=available_cores())
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = list(load_reviews(DataSettings(source=arguments.data), ("train",))["train"].texts)
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(arguments.rounds):
        times["bare"].append(seconds(run_bare, texts, arguments.processes))
        times["ours"].append(seconds(run_ours, texts, arguments.processes))
    bare, ours = (statistics.median(values) for values in times.values())
    print(
        f"{len(texts):,} reviews, {arguments.processes} processes: "
        f"bare {bare:.2f} s, ours {ours:.2f} s, ours / bare {ours / bare:.2f}"
    )


if __name__ == "__main__":
    main()
