"""Import what every forked command needs. A trial then takes half a second instead of four."""

import sklearn.metrics
import torch._inductor  # what torch.use_deterministic_algorithms imports

import sentiment.cli
import sentiment.evaluation.baseline
import sentiment.evaluation.judge
import sentiment.training.run
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer

__all__ = ["sentiment", "sklearn", "torch"]

shared_tokenizer(TextRules())
