"""The reliability campaign: break each promise on purpose, many times, and count the failures.

`python -m scripts.torture` runs all of it (`make torture`). docs/reliability.md explains the figures.
"""
