"""Lessons: short texts with known labels that teach what long reviews hide, such as negation and contrast."""
