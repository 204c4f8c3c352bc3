"""Export a run: make the file, check it against the run, and only then write it."""

from dataclasses import dataclass
from pathlib import Path

from sentiment.runs import find_run
from sentiment.system import storage
from sentiment.system.versions import require_extra


@dataclass(frozen=True)
class Exported:
    """What was written."""

    size: int
    """Bytes."""
    change: float
    """The largest difference of a logit between the file and the run."""


def export_onnx(run: str | Path, out: Path, *, force: bool = False, threads: int = 0) -> Exported:
    """Write a finished run as the ONNX file `out`, once onnxruntime gives the run's logits with it.

    `run` is a name or a path, as `sentiment.load` takes it.
    Raises UsageError if the extra `export` is not installed, if `out` exists without `force`, or if the run
    has a part without an ONNX form; RunError if the run is missing or damaged; CheckError if the logits
    differ; MachineError if the file cannot be written.
    """
    storage.check_free(out, force)
    require_extra("export", "onnx", "onnxruntime")
    from sentiment.exporting.check import check_file
    from sentiment.exporting.description import metadata_of
    from sentiment.exporting.network import network_file
    from sentiment.inference.predictor import Predictor

    predictor = Predictor.load(find_run(run), device="cpu", threads=threads)
    content = network_file(predictor.model, metadata_of(predictor))
    change = check_file(content, predictor)
    storage.write_file(out, content)
    return Exported(len(content), change)
