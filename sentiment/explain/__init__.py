"""Explain predictions: what each token adds to a logit, and what each part of a network does."""
