"""The code for Spark in docs/bulk.md runs as it is."""

import os
import shutil
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bulk.md"


@pytest.mark.extras
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # those of pyspark
def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    pytest.importorskip("pyspark", reason="needs pyspark")
    if shutil.which("java") is None:
        pytest.skip("needs Java")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    code = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    exec(compile(code, str(PAGE), "exec"), {"__name__": "__main__"})
