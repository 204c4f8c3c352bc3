# The command `sentiment` on a CPU: not as root, on a read-only file system, without a network.
#
#   docker build -t sentiment .
#   docker run --rm --read-only --tmpfs /tmp --network none sentiment predict "What a film!"
#   docker run --rm --read-only --tmpfs /tmp --network none -v "$PWD:/work:ro" sentiment predict --file reviews.csv

FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY sentiment sentiment
RUN pip wheel --no-cache-dir --no-deps --wheel-dir dist .

FROM python:3.11-slim
WORKDIR /install
COPY constraints.txt ./
COPY --from=build /source/dist dist
RUN pip install --no-cache-dir torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --only-binary :all: --constraint constraints.txt dist/*.whl
# A number that no account has: there is no home, and nothing but /tmp can be written.
USER 10001:10001
ENV HF_HUB_OFFLINE=1 HF_HOME=/tmp/huggingface XDG_CACHE_HOME=/tmp/cache PYTHONDONTWRITEBYTECODE=1
WORKDIR /work
ENTRYPOINT ["sentiment"]
CMD ["--help"]
