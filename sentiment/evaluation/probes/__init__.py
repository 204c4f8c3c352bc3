"""Behavioural tests of a model: cases written from templates, and which of them hold."""
