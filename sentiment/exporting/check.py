"""Compare an exported file with the model that it was made from: onnxruntime must give the same logits."""

import json
from collections.abc import Sequence
from importlib import resources

import numpy as np
import onnxruntime
import torch

from sentiment.data.batches import Batch, collate
from sentiment.data.ids import UNKNOWN_ID
from sentiment.errors import CheckError
from sentiment.exporting.network import LENGTHS, LOGITS, TOKENS
from sentiment.inference.predictor import Predictor
from sentiment.models.ensemble import Ensemble
from sentiment.models.evidence import UNUSED

REVIEWS = 200
"""Half of them are bundled reviews, half are made of random words that the model knows."""
BATCH = 16
LONGEST = 400
"""Tokens of a made-up review, if the model reads reviews of any length."""
TOLERANCE = 1e-5
"""Of a logit between -1 and 1; of a larger one, its share."""
SEED = 1


def check_file(content: bytes, predictor: Predictor) -> float:
    """Return the largest difference of a logit over 200 reviews, each alone and in a batch of 16.

    Raises CheckError if it is above 1e-5, times the logit where that is above 1.
    """
    reviews = _make_reviews(predictor)
    session = _open(content)
    model = predictor.model.cpu()
    worst = 0.0
    for start in range(0, len(reviews), BATCH):
        chosen = reviews[start : start + BATCH]
        batches = [collate(chosen), *(collate([review]) for review in chosen)]
        with predictor.machine.using_threads(), torch.inference_mode():
            expected = model(*_as_tuple(batches[0])).numpy()
        together, *alone = [_run(session, batch) for batch in batches]
        for found in (together, np.concatenate(alone)):
            change = np.abs(found - expected) / np.maximum(1, np.abs(expected))
            worst = max(worst, float(change.max())) if np.isfinite(found).all() else np.inf
    if not worst <= TOLERANCE:
        raise CheckError(
            f"the file does not give the logits of the run: over {REVIEWS} reviews they differ by up to "
            f"{worst:.1e}, more than {TOLERANCE:g}; nothing was written"
        )
    return worst


def _open(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = 1  # its idle threads would keep the cores of others busy
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _as_tuple(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    return batch.tokens_BT, batch.lengths_B


def _run(session: onnxruntime.InferenceSession, batch: Batch) -> np.ndarray:
    given = {TOKENS: batch.tokens_BT.numpy(), LENGTHS: batch.lengths_B.numpy()}
    (logits,) = session.run([LOGITS], given)
    found: np.ndarray = logits
    return found


def _make_reviews(predictor: Predictor) -> list[np.ndarray]:
    """Return the ids of bundled and of made-up reviews, mixed: a batch has reviews of all lengths."""
    real = predictor.encode(_bundled_texts(REVIEWS // 2))
    random = np.random.default_rng(SEED)
    reviews = [real[index] for index in range(len(real))]
    reviews += [_make_review(predictor, random) for _ in range(REVIEWS - len(reviews))]
    return [reviews[index] for index in random.permutation(REVIEWS)]


def _bundled_texts(count: int) -> list[str]:
    file = resources.files("sentiment") / "data" / "sample" / "test.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()[:count]
    return [json.loads(line)["text"] for line in lines]


def _make_review(predictor: Predictor, random: np.random.Generator) -> np.ndarray:
    """Return random known words, and n-grams of the evidence among them; one token in ten is unknown."""
    settings = predictor.config.text
    length = int(random.integers(1, 1 + (settings.head + settings.tail or LONGEST)))
    sizes = predictor.vocabulary.sizes
    ids_TC = np.stack([random.integers(UNKNOWN_ID, size, length) for size in sizes], axis=1)
    ids_TC[random.random(length) < 0.1] = UNKNOWN_ID
    ids_T = ids_TC if len(sizes) > 1 else ids_TC[:, 0]
    for ngram in _choose_ngrams(predictor, random, length // 6):
        start = int(random.integers(0, length - len(ngram)))
        ids_T[start : start + len(ngram)] = ngram
    return ids_T


def _choose_ngrams(predictor: Predictor, random: np.random.Generator, count: int) -> list[Sequence[int]]:
    """Return the ids of some n-grams of the evidence; none if the model has no evidence."""
    model = predictor.model
    evidence = model.evidence if isinstance(model, Ensemble) else None
    if evidence is None or not (evidence.keys_G < UNUSED).any():
        return []
    keys = random.choice(evidence.keys_G[evidence.keys_G < UNUSED].numpy(), count).tolist()
    V = evidence.words
    return [[id for id in (key // V**2, key // V % V, key % V) if id] for key in keys]
