"""The reliability campaign: break each promise on purpose, many times, and count what gives way.

`python -m scripts.torture` runs all of it (`make torture`); docs/reliability.md tells what the figures mean.
"""
