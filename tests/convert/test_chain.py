"""Every step on a tiny database, as commands: real TensorFlow, real tfmot, real conversion."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.__main__ import main
from convert.datasets.manifest import load_manifest, select
from convert.datasets.registry import manifest_file
from convert.nets import keras_nets, weights
from edgeiqa import Scorer
from edgeiqa.imaging.decode import decode
from edgeiqa.inference.contract import read
from edgeiqa.preprocessing.resize import resize
from tests.convert.tiny import make_biq2021

pytestmark = pytest.mark.slow

SIDE = 64
EPOCHS = 25
MEMBERS = ("mobilenet_v2_0.35", "efficientnet_lite0")


def normalised_start(folder: Path, root: Path) -> Path:
    """Random weights whose BatchNorms know what they get.

    A network from scratch needs thousands of steps until its moving averages have caught up; until
    then it evaluates as a constant, which is nothing to quantise.
    """
    import keras

    keras.utils.set_random_seed(0)
    model = keras_nets.build(keras, keras_nets.mobilenet_v2(0.35), SIDE)
    files = sorted((root / "BIQ2021" / "Images").iterdir())[:48]
    pictures = np.stack([resize(decode(file), (SIDE, SIDE)) for file in files])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(pictures.astype(np.float32), training=True)
    weights.save_npz(model, folder / "start.npz")
    return folder / "start.npz"


@dataclass(frozen=True)
class Chain:
    """Folders of a finished run, and what each quantisation wrote."""

    root: Path
    work: Path
    qat: Path
    ptq: Path


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp("chain")
    root, work = make_biq2021(folder / "data"), folder / "work"
    shared = ["--data-root", str(root), "--work", str(work)]
    assert main(["data", *shared, "--any-count"]) == 0
    teacher = ["--init", "random", "--size", "96", "--frozen", "10", "--epochs", "1"]
    teacher += ["--batch", "8", "--pairs", "6"]
    for network in MEMBERS:
        assert main(["teacher", *shared, *teacher, "--network", network]) == 0
    assert main(["teacher", *shared, "--fuse", *MEMBERS, "--unlabelled", "12"]) == 0
    student = ["--network", "mobilenet_v2_0.35", "--init", str(normalised_start(folder, root))]
    student += ["--size", str(SIDE), "--epochs", str(EPOCHS), "--batch", "8", "--pairs", "12"]
    student += ["--unlabelled", "12", "--unlabelled-per-batch", "2"]
    student += ["--rate", "3e-4", "--head-rate", "1e-3"]
    assert main(["distill", *shared, *student]) == 0
    quantize = ["quantize", *shared, "--name", "tiny", "--batch", "4", "--steps", "3"]
    qat, ptq = folder / "qat.tflite", folder / "ptq.tflite"
    assert main([*quantize, "--mode", "qat", "--output", str(qat)]) == 0
    assert main([*quantize, "--mode", "ptq", "--output", str(ptq), "--pictures", "16"]) == 0
    return Chain(root, work, qat, ptq)


def test_teacher_leaves_its_opinion_of_every_picture_but_those_of_test(chain: Chain) -> None:
    from convert.training.teacher_outputs import TeacherOutputs, pool_key, rows_key

    rows = load_manifest(manifest_file(chain.work, "biq2021"))
    train = select(rows, "train")
    folder = chain.work / "teacher"
    for split, key, count in (
        ("train", rows_key(train), len(train)),
        ("validation", rows_key(select(rows, "validation")), len(select(rows, "validation"))),
        ("unlabelled", pool_key(train, 12), 12),
    ):
        outputs = TeacherOutputs.load(folder / f"{split}.npz", key)
        assert outputs.score.shape == outputs.std.shape == (count,)
        assert outputs.embedding.shape == (count, 1280 * len(MEMBERS))
        assert outputs.histogram.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
        assert ((outputs.score > 0) & (outputs.score < 1) & (outputs.std > 0)).all()
    assert not (folder / "test.npz").exists()
    report = json.loads((folder / "recipe.json").read_text())
    assert set(report["members"]) == set(MEMBERS)


def test_student_logs_every_epoch_and_draws_it(chain: Chain) -> None:
    lines = (chain.work / "student" / "log.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["epoch"] for record in records] == list(range(1, EPOCHS + 1))
    parts = ("mos", "teacher", "features", "ladder")
    for record in records:
        assert record["loss"] == pytest.approx(sum(record[part] for part in parts), abs=1e-4)
        assert record["val_srocc"] is None or -1 <= record["val_srocc"] <= 1
    with Image.open(chain.work / "student" / "training.png") as plot:
        assert plot.width > 600


def test_saved_keras_model_is_the_student(chain: Chain) -> None:
    import keras

    from convert.quantization.qat import load_student

    student, recipe = load_student(chain.work / "student")
    saved = keras.models.load_model(chain.work / "student" / "student.keras")
    picture = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    assert np.asarray(saved(picture)) == pytest.approx(np.asarray(student(picture)), abs=1e-5)
    assert recipe.size == SIDE


@pytest.mark.parametrize("mode", ["qat", "ptq"])
def test_model_is_int8_with_a_contract_and_scores(chain: Chain, mode: str) -> None:
    from convert.quantization.tflite_inspect import inspect

    file: Path = getattr(chain, mode)
    contract, flatbuffer = read(file.read_bytes())
    summary = inspect(flatbuffer)
    assert not summary.float_islands
    assert summary.inputs[0].shape == (1, SIDE, SIDE, 3)
    assert (summary.inputs[0].dtype, summary.outputs[0].dtype) == ("uint8", "int8")
    # The uint8 input's own scale and zero point are the network's normalisation, exactly.
    assert (summary.inputs[0].scale, summary.inputs[0].zero_point) == (1 / 128, 128)
    assert contract.name == "tiny"
    assert contract.training["quantization"]["mode"] == mode
    assert contract.gate["relaxed"] <= contract.gate["normal"] <= contract.gate["strict"]
    assert "edgeiqa.json" in zipfile.ZipFile(file).namelist()
    quality = Scorer(model=file).score(chain.root / "BIQ2021" / "Images" / "ss03 (80).jpg")
    assert 0 <= quality.score <= 100
    assert quality.histogram is not None
    assert sum(quality.histogram) == pytest.approx(1.0)


def test_fake_quantised_network_and_int8_file_agree(chain: Chain) -> None:
    """PTQ and QAT files of the same student say nearly the same, and like the float student."""
    from convert.common.opinion import bin_centres, expected
    from convert.datasets.cache import load_pixels
    from convert.quantization.qat import load_student
    from convert.quantization.quantize import raw_scores
    from edgeiqa.inference.contract import Calibration, append

    rows = select(load_manifest(manifest_file(chain.work, "biq2021")), "train")[:16]
    student, _ = load_student(chain.work / "student")
    pixels = load_pixels(rows, chain.root, SIDE, chain.work)
    centres = np.array(bin_centres(10), np.float32)
    wanted = expected(np.asarray(student(pixels.astype(np.float32))), centres)
    for file in (chain.qat, chain.ptq):
        contract, flatbuffer = read(file.read_bytes())
        plain = append(flatbuffer, replace(contract, calibration=Calibration(100.0, 0.0)))
        got = raw_scores(plain, rows, chain.root, chain.work, SIDE)
        # A hardly trained network spreads its values more than a trained one: int8 costs more.
        assert np.mean(np.abs(got - wanted)) < 0.1
        assert np.corrcoef(got, wanted)[0, 1] > 0.7


def test_verify_and_evaluate_accept_the_result(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["--data-root", str(chain.root), "--work", str(chain.work)]
    keras_file = chain.work / "student" / "student.keras"
    report = tmp_path / "verify.json"
    assert (
        main(["verify", str(chain.qat), "--keras", str(keras_file), *shared, "--json", str(report)])
        == 0
    )
    assert json.loads(report.read_text())["problems"] == []
    report = tmp_path / "evaluate.json"
    arguments = ["evaluate", str(chain.qat), "--database", "biq2021", *shared]
    assert main([*arguments, "--split", "test", "--repeats", "50", "--json", str(report)]) == 0
    assert "SROCC" in capsys.readouterr().out
    assert report.is_file()


def test_wrong_wishes_are_refused_in_one_line(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["--data-root", str(chain.root), "--work", str(chain.work)]
    assert main(["distill", *shared, "--size", "64", "--source", "65", "--init", "random"]) == 2
    assert main(["quantize", *shared, "--run", "nothing"]) == 2
    assert main(["quantize", *shared, "--size", "96"]) == 2
    assert main(["distill", "--data-root", str(chain.root), "--work", str(tmp_path)]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    for line, message in zip(
        errors[-4:], ("watermark", "convert distill", "ptq only", "convert data"), strict=True
    ):
        assert message in line
