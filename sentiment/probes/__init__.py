"""Behavioural tests of a model: cases from templates, and which of them pass."""
