"""Predict many files on several workers, of one machine or of a cluster."""
