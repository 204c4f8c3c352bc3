"""Measure how accurate a run is: metrics, slices, the linear baseline, behavioural probes."""
