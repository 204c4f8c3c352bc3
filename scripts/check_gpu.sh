#!/usr/bin/env bash
# Try this project on a GPU. It needs a checkout, Python with torch for CUDA, and no network.
#
#   scripts/check_gpu.sh --tests                        exactness, precision, same bits, resuming, speed: at most 4 minutes
#   scripts/check_gpu.sh --train 480 --data FOLDER      so many seconds of imdb-gpu, then its validation accuracy
#
#   --wheels FOLDER   first install the wheels in this folder, into SITE (default: a folder under /tmp that stays)
#   --device cpu      the same checks at a tiny size, without a GPU
#   PYTHON=python3    the Python to use. What it lacks is listed, and nothing else is installed.
#
# On a machine with a network, this brings the wheels for the Python of the GPU machine (torch is not among them):
#
#   grep -E "^($(paste -sd'|' scripts/gpu_wheels.txt))==" constraints.txt > names.txt
#   pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 \
#     --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 -d FOLDER -r names.txt
#
# If they are too many for one transfer, bring them in several, each with --wheels: SITE keeps them.
# Exit code: 0; 2 for wrong options; 4 if there is no GPU or something is missing; 6 if a check fails.
set -euo pipefail

PYTHON=${PYTHON:-python3}
SITE=${SITE:-${TMPDIR:-/tmp}/sentiment-site}
what='' seconds=480 data='' wheels='' device=cuda

usage() {
  echo "usage: $0 --tests | --train SECONDS --data FOLDER  [--wheels FOLDER] [--device cuda|cpu]" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case $1 in
    --tests) what=tests; shift ;;
    --train) what=train; seconds=${2:-}; shift 2 || usage ;;
    --data) data=${2:-}; shift 2 || usage ;;
    --wheels) wheels=${2:-}; shift 2 || usage ;;
    --device) device=${2:-}; shift 2 || usage ;;
    *) usage ;;
  esac
done
[ -n "$what$wheels" ] || usage
[ "$what" != train ] || [ -n "$data" ] || usage
cd "$(dirname "$0")/.."

if [ -n "$wheels" ]; then
  "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --upgrade --target "$SITE" "$wheels"/*.whl
  echo "installed $(find "$wheels" -name '*.whl' | wc -l) wheels into $SITE"
  [ -n "$what" ] || exit 0
fi
export PYTHONPATH=$SITE:$PWD PYTHONUNBUFFERED=1

# The project itself may not be importable yet.
"$PYTHON" - "$device" <<'END' || exit 4
import importlib.util
import sys

needed = (
    "torch numpy pyarrow yaml huggingface_hub typer rich tqdm safetensors sklearn scipy matplotlib jinja2 "
    "pydantic torchtext tomli_w charset_normalizer spacy datasets"
).split()
missing = [name for name in needed if importlib.util.find_spec(name) is None]
print(f"{sys.executable}: Python {sys.version.split()[0]}, missing: {', '.join(missing) or 'nothing'}")
if "torch" not in missing and sys.argv[1].startswith("cuda"):
    import torch

    if not torch.cuda.is_available():
        sys.exit(f"no GPU: not run (torch {torch.__version__})")
if missing:
    sys.exit("something is missing: not run; bring its wheels with --wheels FOLDER")
END

case $what in
  tests) exec "$PYTHON" -m scripts.gpu_check tests --device "$device" ;;
  train) exec "$PYTHON" -m scripts.gpu_check train --device "$device" --data "$data" --seconds $((seconds - SECONDS)) ;;
esac
