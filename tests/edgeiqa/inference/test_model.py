"""Finding, opening, checking and running models."""

from __future__ import annotations

import dataclasses
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeiqa.assets import sample_paths
from edgeiqa.imaging.decode import decode
from edgeiqa.inference import contract as contracts
from edgeiqa.inference import model as models
from edgeiqa.inference import trial
from edgeiqa.inference.contract import ContractError, InputSpec, OutputSpec
from edgeiqa.inference.model import DEFAULT, Model, ModelError, available_models, find
from edgeiqa.preprocessing.resize import resize
from tests.edgeiqa.pictures import photograph


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


def repacked(**changes: Any) -> bytes:
    """The shipped network under another contract."""
    contract, flatbuffer = contracts.read(find(DEFAULT).read_bytes())
    return contracts.append(flatbuffer, dataclasses.replace(contract, **changes))


def tensor_for(model: Model) -> np.ndarray:
    spec = model.contract.input
    return resize(photograph(), (spec.height, spec.width))[np.newaxis]


def test_the_default_model_is_shipped() -> None:
    assert DEFAULT in available_models()
    assert find(DEFAULT).is_file()


def test_name_path_and_bytes_open_the_same_model(model: Model, tmp_path: Path) -> None:
    tensor = tensor_for(model)
    expected = model.run_raw(tensor)
    data = find(DEFAULT).read_bytes()
    path = tmp_path / "mine.tflite"
    path.write_bytes(data)
    for form in (DEFAULT, path, str(path), data, bytearray(data)):
        got = Model(form).run_raw(tensor)
        assert got.keys() == expected.keys()
        for name, values in got.items():
            np.testing.assert_array_equal(values, expected[name])


def test_a_file_without_suffix_is_found_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain").write_bytes(find(DEFAULT).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert find("./plain") == Path("plain")
    assert find(Path("plain")) == Path("plain")
    with pytest.raises(ModelError, match=r"no model 'plain'; shipped: .*base.*\./plain\.tflite"):
        find("plain")


@pytest.mark.parametrize(
    "name", ["missing.tflite", "./missing", "a/b.tflite", "", "../models/base"]
)
def test_what_is_not_there_is_a_model_error(name: str) -> None:
    with pytest.raises(ModelError, match="no model"):
        Model(name)


def test_outputs_are_dequantised_in_float64(model: Model) -> None:
    tensor = tensor_for(model)
    raw, real = model.run_raw(tensor), model.run(tensor)
    name = model.contract.score_output.name
    assert raw[name].dtype == np.int8
    assert real[name].dtype == np.float64
    assert real[name].shape == (model.contract.score_output.values,)
    # Linear in the integers, with one step size.
    order = np.argsort(raw[name], kind="stable")
    steps = np.diff(raw[name][order].astype(int))
    sizes = np.diff(real[name][order])[steps > 0] / steps[steps > 0]
    assert sizes.min() > 0
    np.testing.assert_allclose(sizes, sizes[0], rtol=1e-12)


def test_results_are_the_callers_own(model: Model) -> None:
    tensor = tensor_for(model)
    first = model.run_raw(tensor)
    kept = {name: values.copy() for name, values in first.items()}
    model.run_raw(255 - tensor)
    for name, values in first.items():
        np.testing.assert_array_equal(values, kept[name])
        values[:] = 0  # Writable, and of no consequence.
        np.testing.assert_array_equal(model.run_raw(tensor)[name], kept[name])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda t: t.astype(np.float32), TypeError, "float32, expected a uint8"),
        (lambda t: t.tolist(), TypeError, "list, expected a uint8"),
        (lambda t: t[0], ValueError, r"expected \(1, "),
        (lambda t: np.concatenate([t, t]), ValueError, r"\(2, "),
        (lambda t: t[:, 1:], ValueError, "shape"),
        (lambda t: t[..., :1], ValueError, "shape"),
    ],
)
def test_other_tensors_are_refused(
    model: Model, change: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        model.run(change(tensor_for(model)))


def test_a_contract_at_odds_with_the_network_is_refused() -> None:
    contract, _ = contracts.read(find(DEFAULT).read_bytes())
    spec = contract.input
    bins = tuple(np.linspace(0, 1, 7).tolist())
    for changes, message in (
        (
            {"input": dataclasses.replace(spec, height=spec.height + 1)},
            "its contract expects uint8",
        ),
        ({"input": dataclasses.replace(spec, dtype="float32")}, "its contract expects float32"),
        ({"outputs": (OutputSpec("o", "histogram", bins=bins),)}, r"its contract expects \[1, 7\]"),
        ({"outputs": (OutputSpec("o", "scalar"),)}, r"its contract expects \[1, 1\]"),
        (
            {"outputs": (*contract.outputs, OutputSpec("more", "features"))},
            "its contract names",
        ),
    ):
        with pytest.raises(ModelError, match=message):
            Model(repacked(**changes))


def test_the_kind_of_an_output_does_not_change_its_numbers(model: Model) -> None:
    contract, flatbuffer = contracts.read(find(DEFAULT).read_bytes())
    values = contract.score_output.values
    assert values is not None
    labels = tuple(f"l{i}" for i in range(values))
    spec = OutputSpec("a", "attributes", labels=labels, score_label="l0")
    other = Model(contracts.append(flatbuffer, dataclasses.replace(contract, outputs=(spec,))))
    tensor = tensor_for(model)
    np.testing.assert_array_equal(
        other.run(tensor)["a"], model.run(tensor)[contract.score_output.name]
    )


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bare.tflite"
    path.write_bytes(contracts.read(find(DEFAULT).read_bytes())[1])
    with pytest.raises(ContractError, match=r"bare\.tflite: no contract"):
        Model(path)


def test_a_flatbuffer_that_is_none_is_a_model_error() -> None:
    rubbish = b"\x20\0\0\0TFL3" + bytes(range(1, 250)) * 9
    contract = contracts.Contract("rubbish", "0", InputSpec(8, 8), (OutputSpec("score", "scalar"),))
    with pytest.raises(ModelError, match="the network is refused: the layout of the Model"):
        Model(contracts.append(rubbish, contract))


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_threads_must_be_a_positive_number(threads: Any) -> None:
    with pytest.raises(ValueError, match="threads is"):
        Model(threads=threads)


def test_two_inner_threads_compute_the_same(model: Model) -> None:
    tensor = tensor_for(model)
    got = Model(threads=2).run_raw(tensor)
    for name, values in model.run_raw(tensor).items():
        np.testing.assert_array_equal(got[name], values)


@pytest.mark.parametrize("limit", [1, 3, None])
def test_eight_threads_share_a_model(limit: int | None) -> None:
    shared = Model(max_interpreters=limit)
    spec = shared.contract.input
    name = shared.contract.score_output.name
    tensors = [
        resize(photograph().crop((i, 0, 60 + i, 60)), (spec.height, spec.width))[np.newaxis]
        for i in range(0, 24, 3)
    ]
    expected = [shared.run_raw(tensor)[name] for tensor in tensors]
    assert len({values.tobytes() for values in expected}) > 1
    wrong: list[str] = []
    start = threading.Barrier(8)

    def work(offset: int) -> None:
        start.wait()
        for step in range(12):
            i = (offset + step) % len(tensors)
            got = shared.run_raw(tensors[i])[name]
            if not np.array_equal(got, expected[i]):
                wrong.append(f"thread {offset}, picture {i}: {got} != {expected[i]}")

    workers = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    # No more interpreters, and so no more memory, than allowed.
    assert 1 <= shared._idle.qsize() <= (limit or 8)


def test_samples_are_told_apart(model: Model) -> None:
    spec = model.contract.input
    name = model.contract.score_output.name
    outputs = {
        model.run_raw(resize(decode(path), (spec.height, spec.width))[np.newaxis])[name].tobytes()
        for path in sample_paths()
    }
    assert len(outputs) > len(sample_paths()) / 2


@pytest.mark.parametrize("threads", [0, -1, 129, 100_000, True, 1.5, "2"])
def test_a_number_of_threads_that_cannot_be(threads: Any) -> None:
    with pytest.raises(ValueError, match="1 to 128"):
        Model("nano", threads=threads)
    with pytest.raises(ValueError, match="max_interpreters"):
        Model("nano", max_interpreters=threads)


def test_interrupts_at_any_moment_lose_no_interpreter_for_good() -> None:
    """As when Ctrl-C is pressed again and again in a notebook."""
    code = """
import random, signal, sys, time
import numpy as np
from edgeiqa import Model

model = Model("nano", max_interpreters=2)
tensor = np.zeros(model.contract.input.tensor_shape, np.uint8)
signal.signal(signal.SIGALRM, signal.default_int_handler)
rng, interrupts = random.Random(0), 0
end = time.monotonic() + 4
while time.monotonic() < end:
    try:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 3e-3))
        for _ in range(3):
            with model._runner():
                pass
        model.run(tensor)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupts += 1
signal.setitimer(signal.ITIMER_REAL, 0)
model.run(tensor)
print(interrupts)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_other_threads_score_leaves_a_usable_model() -> None:
    code = """
import os, threading, warnings
import numpy as np
from edgeiqa import Model

warnings.simplefilter("ignore")
model = Model("nano", max_interpreters=1)
tensor = np.zeros(model.contract.input.tensor_shape, np.uint8)
stop = threading.Event()

def work():
    while not stop.is_set():
        model.run(tensor)

workers = [threading.Thread(target=work, daemon=True) for _ in range(4)]
for worker in workers:
    worker.start()
codes = []
for _ in range(8):
    child = os.fork()
    if not child:
        model.run(tensor)
        os._exit(0)
    codes.append(os.waitpid(child, 0)[1])
stop.set()
assert codes == [0] * 8, codes
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_a_model_is_pickled_by_what_it_was_opened_from(tmp_path: Path) -> None:
    path = tmp_path / "own.tflite"
    path.write_bytes(find("nano").read_bytes())
    tensor = np.full(Model("nano").contract.input.tensor_shape, 77, np.uint8)
    expected = Model("nano").run_raw(tensor)
    for given in ("nano", path, path.read_bytes()):
        again = pickle.loads(pickle.dumps(Model(given, threads=2, origin="mine")))
        assert (again._threads, again._origin) == (2, "mine")
        for name, values in again.run_raw(tensor).items():
            np.testing.assert_array_equal(values, expected[name])


def test_the_runtime_says_nothing_but_warnings_come_through() -> None:
    code = """
import os
from edgeiqa import Model
from edgeiqa.inference import interpreter

Model("nano")
with interpreter._without_info():
    os.write(2, b"INFO: hidden\\nWARNING: shown\\n")
Model("nano")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stderr == "WARNING: shown\n"


def test_an_unknown_model_runs_in_a_process_of_its_own_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(models, "try_in_process", lambda _, origin: calls.append(origin))
    data = find("nano").read_bytes()
    own = tmp_path / "own.tflite"
    own.write_bytes(data)
    Model("nano")
    Model(own)  # The same network under another name.
    assert calls == []
    contract, flatbuffer = contracts.read(data)
    own.write_bytes(contracts.append(flatbuffer, dataclasses.replace(contract, name="mine")))
    Model(own)
    assert calls == [str(own)]


def test_what_crashes_the_runtime_crashes_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    flatbuffer = contracts.read(find("nano").read_bytes())[1]
    trial._passed.clear()
    trial.try_in_process(flatbuffer, "nano")
    assert len(trial._passed) == 1
    crash = "import os, sys; sys.stdin.buffer.read(); os.abort()"
    ran = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **more: ran([command[0], "-c", crash], **more)
    )
    trial.try_in_process(flatbuffer, "nano")  # Passed before.
    with pytest.raises(ModelError, match=r"^mine: .*crashes"):
        trial.try_in_process(flatbuffer + b"\0", "mine")
