"""Import once what every forked command needs, so that a trial takes half a second rather than four."""

import sklearn.metrics
import torch._inductor  # what torch.use_deterministic_algorithms imports

import sentiment.cli
import sentiment.evaluation.baseline
import sentiment.evaluation.judge
import sentiment.training.run
from sentiment.data.tokens import shared_tokenizer

__all__ = ["sentiment", "sklearn", "torch"]

shared_tokenizer()
