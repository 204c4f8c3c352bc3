"""How many threads are taken, and processes that are forked from one with threads."""

import json
import os
import subprocess
import sys

import pytest
import torch

from sentiment.config import MachineSettings
from sentiment.system.device import find_machine
from sentiment.system.environment import CUBLAS_WORKSPACE, ENVIRONMENT, SAME_BITS, set_defaults
from sentiment.system.own_command import own_environment
from sentiment.system.place import Place
from sentiment.system.threads import MOST_THREADS, available_cores, default_threads, use_every_core

# The parent has threads, and has used both of its pools: torch's and the tokenizer's.
PARENT = """
import multiprocessing, os, signal, sys, threading
import sentiment
import sentiment.data.workers, sentiment.inference.predictor
sentiment.data.workers.PARALLEL_FROM = 100
sentiment.inference.predictor.REVIEWS_AT_A_TIME = 50
signal.alarm(100)
model = sentiment.load(threads=2)
texts = [f"Part {number} of this film is wonderful, and {number % 7} is dull." for number in range(300)]

def probabilities():
    return [round(prediction.probability, 5) for prediction in model.predict_stream(texts)]

expected = probabilities()
assert threading.enumerate() == [threading.main_thread()]  # another one may hold a lock during a fork
"""
OS_FORK = """
child = os.fork()
if child == 0:
    signal.alarm(60)
    grandchild = os.fork()
    code = 0 if probabilities() == expected else 1
    if grandchild != 0:
        code += os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
    os._exit(code)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert probabilities() == expected
"""
WITHIN_A_STREAM = """
stream = (prediction.probability for prediction in model.predict_stream(texts))
found = [round(next(stream), 5) for _ in range(120)]
child = os.fork()
if child == 0:
    signal.alarm(60)
    assert probabilities() == expected
found += [round(probability, 5) for probability in stream]
if child == 0:
    os._exit(0 if found == expected else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert found == expected
"""
MULTIPROCESSING = """
context = multiprocessing.get_context("fork")
answers = context.Queue()

def answer():
    signal.alarm(60)
    answers.put(probabilities())

for daemon in (False, True):
    process = context.Process(target=answer, daemon=daemon)
    process.start()
    assert answers.get(timeout=60) == expected
    process.join()
    assert process.exitcode == 0

with context.Pool(2) as pool:
    first, second = pool.map(model.predict_proba, [texts[:50], texts[50:100]])
assert [round(value, 5) for value in [*first[:, 1], *second[:, 1]]] == expected[:100]
"""
LOAD_IN_CHILD = """
child = os.fork()
if child == 0:
    signal.alarm(60)
    loaded = sentiment.load(threads=2)
    os._exit(0 if loaded.machine.threads == 1 and len(loaded.predict(texts)) == 300 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
HELD_LOCK = """
import threading, time
from sentiment.data.text_rules import TextRules
from sentiment.data.tokenizer import shared_tokenizer
tokenizer = shared_tokenizer(TextRules.of(model.config.text))
held, done = threading.Event(), []

def hold():
    with tokenizer.lock:
        held.set()
        time.sleep(0.5)
        done.append(True)

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(60)
    os._exit(0 if done and probabilities() == expected else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def run_python(program, **variables):
    """Run a program in a process of its own; return what it printed."""
    ours = {"OMP_NUM_THREADS", CUBLAS_WORKSPACE, *ENVIRONMENT}
    environment = {name: value for name, value in own_environment().items() if name not in ours}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.slow
@pytest.mark.parametrize(
    "children",
    [HELD_LOCK, OS_FORK + WITHIN_A_STREAM + LOAD_IN_CHILD + MULTIPROCESSING],
    ids=["a lock is held", "os.fork, load in the child, multiprocessing"],
)
def test_a_forked_process_predicts_as_its_parent_does(children):
    run_python(PARENT + children)


def test_omp_num_threads_wins_over_the_callers_threads():
    torch.set_num_threads(2)
    assert default_threads(environment={}) == 2
    assert default_threads(environment={"OMP_NUM_THREADS": "3"}) == 3
    assert default_threads(environment={"OMP_NUM_THREADS": " 5,2"}) == 5
    for wrong in ("", "0", "-1", "many", "²", f"{MOST_THREADS + 1}", "9" * 5_000):
        assert default_threads(environment={"OMP_NUM_THREADS": wrong}) == 2


def test_the_configuration_allows_as_many_threads():
    assert MachineSettings(threads=MOST_THREADS)
    with pytest.raises(ValueError, match="less than or equal"):
        MachineSettings(threads=MOST_THREADS + 1)


def test_processes_of_torchrun_share_every_core():
    environment = {"OMP_NUM_THREADS": "77"}
    assert default_threads(Place(count=2), environment) == available_cores()
    assert default_threads(Place(count=2, started_by=1), environment) == 77


def test_a_number_that_is_asked_for_wins(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert find_machine(MachineSettings(device="cpu", threads=3)).threads == 3
    assert find_machine(MachineSettings(device="cpu")).threads == 7


def test_the_command_line_takes_every_core_unless_it_is_told():
    for given, expected in [({}, available_cores()), ({"OMP_NUM_THREADS": "9"}, 9)]:
        environment = dict(given)
        use_every_core(environment)
        assert default_threads(environment=environment) == expected


def test_the_import_sets_what_torch_reads_unless_it_has_a_value():
    program = "import sentiment, json, os; print(json.dumps(dict(os.environ)))"
    found = json.loads(run_python(program))
    assert {name: found[name] for name in ENVIRONMENT} == ENVIRONMENT
    assert found[CUBLAS_WORKSPACE] == SAME_BITS
    found = json.loads(run_python(program, GOMP_SPINCOUNT="7"))
    assert found["GOMP_SPINCOUNT"] == "7"
    assert "OMP_NUM_THREADS" not in found


def test_after_torch_the_import_sets_only_what_a_gpu_reads():
    environment = {}
    set_defaults(environment)  # torch is imported in this process
    assert environment == {CUBLAS_WORKSPACE: SAME_BITS}
    environment[CUBLAS_WORKSPACE] = ":16:8"
    set_defaults(environment)
    assert environment == {CUBLAS_WORKSPACE: ":16:8"}
