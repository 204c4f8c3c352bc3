"""The soak test: what only shows after hours, a million predictions or many damaged inputs.

`python -m scripts.torture.soak` runs all of it (`make soak`). docs/reliability.md says what it tries.
"""
