"""Compare the speed of tokenizing into the cache with that of spaCy's tokenizer alone.

Both use the same number of processes. In one process, the share of normalising in that time is measured, too.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context

from sentiment.config import DataSettings
from sentiment.data.reviews import load_reviews
from sentiment.data.text_rules import TextRules, normalise
from sentiment.data.token_cache import tokenize_cached
from sentiment.data.tokenizer import shared_tokenizer
from sentiment.data.workers import CHUNK
from sentiment.system.threads import available_cores

SAMPLE = 2_000  # reviews whose normalising is measured
RULES = TextRules()  # those of a new run


def count_tokens(texts: list[str]) -> int:
    """Normalise and tokenize `texts`, and return the number of tokens."""
    tokenizer = shared_tokenizer(RULES)._nlp.tokenizer
    return sum(len(tokenizer(normalise(text, RULES))) for text in texts)


def run_bare(texts: list[str], processes: int) -> None:
    """Run spaCy's tokenizer over chunks of `texts` in a pool of processes."""
    shared_tokenizer(RULES)
    chunks = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
    with get_context("fork").Pool(processes) as pool:
        sum(pool.imap(count_tokens, chunks))


def run_ours(texts: list[str], processes: int) -> None:
    """Tokenize into an empty cache, as the project does."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        tokenize_cached(texts, RULES, "tokenizing", processes)


def normalising_share(texts: list[str]) -> float:
    """Return the time of normalising `texts` as a share of the time of spaCy's tokenizer on the result."""
    tokenizer = shared_tokenizer(RULES)._nlp.tokenizer
    start = time.perf_counter()
    normal = [normalise(text, RULES) for text in texts]
    between = time.perf_counter()
    for text in normal:
        tokenizer(text)
    return (between - start) / (time.perf_counter() - between)


def measure_seconds(run: Callable[[list[str], int], None], texts: list[str], processes: int) -> float:
    """Return the seconds that one run takes."""
    start = time.perf_counter()
    run(texts, processes)
    return time.perf_counter() - start


def main() -> None:
    """Parse the options, measure both in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="stanfordnlp/imdb", help="the reviews: a hub name, folder or file")
    parser.add_argument("--processes", type=int, default=available_cores(), help="processes of each")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each")
    arguments = parser.parse_args()
    texts = list(load_reviews(DataSettings(source=arguments.data), ("train",))["train"].texts)
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(arguments.rounds):
        times["bare"].append(measure_seconds(run_bare, texts, arguments.processes))
        times["ours"].append(measure_seconds(run_ours, texts, arguments.processes))
    bare, ours = (statistics.median(values) for values in times.values())
    print(
        f"{len(texts):,} reviews, {arguments.processes} processes: "
        f"bare {bare:.2f} s, ours {ours:.2f} s, ours / bare {ours / bare:.2f}"
    )
    share = statistics.median(normalising_share(texts[:SAMPLE]) for _ in range(arguments.rounds))
    print(f"normalising takes {share:.1%} of the time of spaCy's tokenizer")


if __name__ == "__main__":
    main()
