"""Check on a GPU what the tests check on a CPU, or train the recipe imdb-gpu for so many seconds.

scripts/check_gpu.sh calls this, and says what it needs. `python -m scripts.gpu_check tests --device cpu` does
the same at a tiny size. The tests run that, so that it stays usable without a GPU.
"""
