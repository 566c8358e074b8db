from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convert.__main__ import main
from convert.common.metrics import srocc
from convert.keras_import.export import PRECISIONS, export
from convert.keras_import.inputs import Input, find_pictures
from convert.keras_import.meaning import ExportError, Meaning
from edgeiqa.inference.contract import read
from edgeiqa.quality import Quality
from edgeiqa.scorer import Scorer
from tests.convert import netzoo

GENERATIONS = ("keras", "tf_keras")


@pytest.fixture(params=GENERATIONS)
def keras(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


def fitted(keras: Any, pixels: np.ndarray, targets: np.ndarray, **options: Any) -> Any:
    """A net on pixels 0-1 whose last dense layer gives `targets` before its activation."""
    divisor = 1 if options.get("rescaling") else 255
    inputs = (pixels / divisor).astype(np.float32)
    model = netzoo.build(keras, targets.shape[1], **options)
    netzoo.remember_statistics(keras, model, inputs)
    netzoo.fit_last(keras, model, inputs, targets)
    return model


def save(model: Any, folder: Path) -> Path:
    """Keras 2 as h5, Keras 3 as .keras."""
    suffix = "h5" if type(model).__module__.startswith("tf_keras") else "keras"
    file = folder / f"net.{suffix}"
    model.save(file)
    return file


def scores(file: Path, folder: Path) -> list[Quality]:
    scorer = Scorer(model=file)
    return [scorer.score(path) for path in sorted(folder.iterdir())]


def test_scalar_on_one_to_five_scores_like_keras(
    keras: Any,
    export_folder: Path,
    export_pixels: np.ndarray,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    wanted = 1 + 4 * netzoo.brightness(export_pixels)
    model = fitted(keras, export_pixels, wanted[:, None])
    raw = np.asarray(model(export_pixels.astype("f4") / 255))[:, 0]
    file = save(model, tmp_path)
    target = tmp_path / "mine.tflite"
    report = tmp_path / "new" / "report.json"
    arguments = ["export", "--keras", str(file), "--images", str(export_folder)]
    arguments += ["--output", str(target), "--input-range", "0..1", "--score-range", "1", "5"]
    assert main([*arguments, "--json", str(report)]) == 0

    qualities = scores(target, export_folder)
    got = np.array([quality.score for quality in qualities])
    assert np.abs(got - np.clip(25 * (raw - 1), 0, 100)).max() < 3
    assert srocc(got, wanted) > 0.98
    assert qualities[0].std is None

    contract, _ = read(target.read_bytes())
    assert (contract.name, contract.input.height, contract.input.width) == ("net", 32, 32)
    assert contract.gate["relaxed"] < contract.gate["normal"] < contract.gate["strict"]
    document = json.loads(report.read_text())
    assert document["tflite"]["full_int8"] is True
    assert document["precision"] == "int8"
    tried = {one["precision"]: one for one in document["tried"]}
    assert list(tried) == ["int8", "float32"]
    assert tried["int8"]["srocc"] > 0.98
    assert document["warnings"] == []
    out, err = capfd.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == [
        "model", "input", "pictures", "range", "output", "float", "int8", "float32", "chosen",
        "gate", "written", "next",
    ]  # fmt: skip
    assert err == ""


def test_softmax_histogram_leaves_the_network_for_the_runtime(
    keras: Any, export_folder: Path, export_pixels: np.ndarray, tmp_path: Path
) -> None:
    level = netzoo.brightness(export_pixels)[:, None]
    centres = np.arange(10) / 9
    model = fitted(keras, export_pixels, -((level - centres) ** 2) * 8, activation="softmax")
    shares = np.asarray(model(export_pixels.astype("f4") / 255), np.float64)
    file = save(model, tmp_path)
    arguments = ["export", "--keras", str(file), "--images", str(export_folder)]
    assert main([*arguments, "--input-range", "0..1"]) == 0

    target = file.with_suffix(".tflite")
    contract, _ = read(target.read_bytes())
    assert contract.score_output.kind == "histogram_logits"
    assert contract.score_output.bins == pytest.approx(centres)
    qualities = scores(target, export_folder)
    expected = 100 * shares @ centres
    assert np.abs([q.score for q in qualities] - expected).max() < 2
    spread = 100 * np.sqrt(shares @ centres**2 - (shares @ centres) ** 2)
    assert np.abs([q.std for q in qualities] - spread).max() < 2
    assert qualities[0].histogram == pytest.approx(shares[0], abs=0.02)
    # Exporting must leave the model itself as it was.
    assert np.asarray(model(export_pixels.astype("f4") / 255)).sum(axis=1) == pytest.approx(1)


def test_attributes_with_sigmoid_and_lower_is_better(
    keras: Any, export_folder: Path, export_pixels: np.ndarray, tmp_path: Path
) -> None:
    level = netzoo.brightness(export_pixels)
    columns = [4 * level - 2, 2 - 4 * level, level, 0 * level, 1 - level]
    model = fitted(keras, export_pixels, np.stack(columns, axis=1), activation="sigmoid")
    raw = np.asarray(model(export_pixels.astype("f4") / 255), np.float64)
    labels = ("blur", "noise", "dark", "colour", "overall")
    result = export(
        model,
        find_pictures(export_folder),
        name="five",
        source=Input(range="0..1"),
        meaning=Meaning(labels=labels, score_label="noise", lower_is_better=True),
    )
    target = tmp_path / "five.tflite"
    target.write_bytes(result.data)
    qualities = scores(target, export_folder)
    assert result.contract.score_output.activation == "sigmoid"
    got = np.array([quality.score for quality in qualities])
    assert np.abs(got - 100 * (1 - raw[:, 1])).max() < 3
    assert list(qualities[0].attributes) == list(labels)
    assert qualities[3].attributes["blur"] == pytest.approx(raw[3, 0], abs=0.03)
    assert "LOGISTIC" not in result.summary.operators


@pytest.mark.parametrize("input_range", ["imagenet", "-1..1", "0..255"])
def test_baked_normalisation_and_colour_order(
    input_range: str, export_folder: Path, export_pixels: np.ndarray, tmp_path: Path
) -> None:
    keras = importlib.import_module("keras")
    x = export_pixels[..., ::-1].astype("f4")  # this net wants blue first
    x = {
        "imagenet": (x / 255 - np.array([0.485, 0.456, 0.406], "f4"))
        / np.array([0.229, 0.224, 0.225], "f4"),
        "-1..1": x / 127.5 - 1,
        "0..255": x,
    }[input_range]
    model = netzoo.build(keras)
    netzoo.remember_statistics(keras, model, x)
    red = export_pixels[..., 0].mean(axis=(1, 2)) / 2.55
    netzoo.fit_last(keras, model, x, red[:, None])
    raw = np.asarray(model(x))[:, 0]
    file, target = tmp_path / "net.keras", tmp_path / "net.tflite"
    model.save(file)
    arguments = ["export", "--keras", str(file), "--images", str(export_folder), "--color", "bgr"]
    arguments += ["--input-range", input_range, "--score-range", "-10", "110"]
    assert main(arguments) == 0
    got = np.array([quality.score for quality in scores(target, export_folder)])
    assert np.abs(got - np.clip((raw + 10) / 1.2, 0, 100)).max() < 4


def test_wrong_range_is_noticed_and_auto_asks(
    export_folder: Path, export_pixels: np.ndarray
) -> None:
    keras = importlib.import_module("keras")
    model = fitted(keras, export_pixels, 5 * netzoo.brightness(export_pixels)[:, None])
    pictures = find_pictures(export_folder)
    meaning = Meaning(score_range=(-1, 2000))
    wrong = Input(range="0..255")
    with pytest.raises(ExportError, match=r"0\.\.1 much better than --input-range 0\.\.255"):
        export(model, pictures, name="x", source=wrong, meaning=meaning)
    forced = export(model, pictures, name="x", source=replace(wrong, force=True), meaning=meaning)
    assert any("BatchNormalization" in warning for warning in forced.warnings)
    with pytest.raises(ExportError, match=r"--input-range.*fits 0\.\.1 best"):
        export(model, pictures, name="x", meaning=meaning)


def test_dynamic_size_and_own_rescaling(
    keras: Any, export_folder: Path, export_pixels: np.ndarray
) -> None:
    wanted = netzoo.brightness(export_pixels)[:, None]
    model = fitted(keras, export_pixels, wanted, size=None, rescaling=True)
    pictures = find_pictures(export_folder)
    meaning = Meaning(score_range=(0, 1))
    with pytest.raises(ExportError, match="--size HEIGHT WIDTH"):
        export(model, pictures, name="x", meaning=meaning)
    source = Input(size=(24, 40))
    result = export(model, pictures, name="x", source=source, meaning=meaning)
    assert (result.contract.input.height, result.contract.input.width) == (24, 40)
    assert result.summary.inputs[0].shape == (1, 24, 40, 3)


REASONS = (
    "takes 2 inputs",
    "has 2 outputs",
    "channels first",
    "4 channels",
    "video or volumes",
    "no pictures",
    "is recurrent",
    "a map",
    "input is int32",
    "batch size is fixed at 4",
)


def one_layer(keras: Any, shape: tuple[int | None, ...], *layers: Any, **options: Any) -> Any:
    image = keras.Input(shape, **options)
    x = image
    for layer in layers:
        x = layer(x)
    return keras.Model(image, x)


def refusals(keras: Any) -> dict[str, Any]:
    layers = keras.layers
    pool, dense = layers.GlobalAveragePooling2D, layers.Dense
    first, second = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    both = keras.Model([first, second], dense(1)(pool()(layers.Add()([first, second]))))
    picture = keras.Input((8, 8, 3))
    heads = keras.Model(picture, [dense(1, name="a")(pool()(picture)), dense(2)(pool()(picture))])
    sequence = layers.Reshape((64, 3))
    volumes = layers.GlobalAveragePooling3D()
    return {
        "takes 2 inputs": both,
        "has 2 outputs": heads,
        "channels first": one_layer(keras, (3, 8, 8), layers.Flatten(), dense(1)),
        "4 channels": one_layer(keras, (8, 8, 4), pool(), dense(1)),
        "video or volumes": one_layer(keras, (4, 8, 8, 3), volumes, dense(1)),
        "no pictures": one_layer(keras, (12,), dense(1)),
        "is recurrent": one_layer(keras, (8, 8, 3), sequence, layers.LSTM(2), dense(1)),
        "a map": one_layer(keras, (8, 8, 3), layers.Conv2D(1, 3)),
        "input is int32": one_layer(
            keras, (8, 8, 3), layers.Rescaling(1.0), pool(), dense(1), dtype="int32"
        ),
        "batch size is fixed at 4": one_layer(keras, (8, 8, 3), pool(), dense(1), batch_size=4),
    }


@pytest.mark.parametrize("reason", REASONS)
def test_refuses_what_it_cannot_do(keras: Any, reason: str, export_folder: Path) -> None:
    with pytest.raises(ExportError, match=reason):
        export(refusals(keras)[reason], find_pictures(export_folder), name="x")


def test_refuses_numbers_without_a_meaning(export_folder: Path, export_pixels: np.ndarray) -> None:
    keras = importlib.import_module("keras")
    pictures = find_pictures(export_folder)
    source = Input(range="0..1")
    level = netzoo.brightness(export_pixels)
    one = fitted(keras, export_pixels, level[:, None])
    with pytest.raises(ExportError, match="--score-range"):
        export(one, pictures, name="x", source=source)
    with pytest.raises(ExportError, match="lower end first"):
        export(one, pictures, name="x", source=source, meaning=Meaning(score_range=(5, 1)))
    with pytest.raises(ExportError, match="gives other values"):
        export(one, pictures, name="x", source=source, meaning=Meaning(score_range=(50, 90)))
    three = fitted(keras, export_pixels, np.stack([level, -level, 2 * level], axis=1))
    with pytest.raises(ExportError, match="say what they are"):
        export(three, pictures, name="x", source=source)
    with pytest.raises(ExportError, match="must name each"):
        export(three, pictures, name="x", source=source, meaning=Meaning(labels=("a", "b")))
    with pytest.raises(ExportError, match="--score-label"):
        export(three, pictures, name="x", source=source, meaning=Meaning(labels=("a", "b", "c")))
    with pytest.raises(ExportError, match="histogram_logits"):
        export(three, pictures, name="x", source=source, meaning=Meaning(kind="histogram"))
    constant = fitted(keras, export_pixels, 0 * level[:, None])
    constant.layers[-1].set_weights([np.zeros((12, 1)), np.ones(1)])
    with pytest.raises(ExportError, match="exactly the same"):
        export(constant, pictures, name="x", source=source, meaning=Meaning(score_range=(0, 2)))


def test_too_few_pictures_and_unreadable_ones(
    export_folder: Path,
    export_pixels: np.ndarray,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    keras = importlib.import_module("keras")
    model = fitted(keras, export_pixels, netzoo.brightness(export_pixels)[:, None])
    model.save(tmp_path / "net.keras")
    few = tmp_path / "few"
    few.mkdir()
    pictures = sorted(export_folder.iterdir())
    for picture in pictures[:12]:
        (few / picture.name).write_bytes(picture.read_bytes())
    arguments = ["export", "--keras", str(tmp_path / "net.keras"), "--images", str(few)]
    arguments += ["--input-range", "0..1", "--score-range", "0", "1"]
    assert main(arguments) == 2
    assert "12 readable pictures" in capfd.readouterr().err
    for picture in pictures[12:]:
        (few / picture.name).write_bytes(picture.read_bytes())
    (few / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    assert main(arguments) == 3
    error = capfd.readouterr().err
    assert "broken.jpg" in error
    assert error.count("\n") == 1
    assert (tmp_path / "net.tflite").is_file()


def sensitive(keras: Any, pixels: np.ndarray) -> Any:
    """A net whose last layer magnifies what int8 rounds."""
    noise = np.random.default_rng(0).uniform(size=(len(pixels), 1))
    inputs = (pixels / 255).astype(np.float32)
    model = netzoo.build(keras)
    netzoo.remember_statistics(keras, model, inputs)
    netzoo.fit_last(keras, model, inputs, noise, ridge=1e-5)
    return model


def test_precision_is_chosen_by_how_far_scores_move(
    export_folder: Path, export_pixels: np.ndarray, tmp_path: Path
) -> None:
    keras = importlib.import_module("keras")
    model, pictures = sensitive(keras, export_pixels), find_pictures(export_folder)
    source, meaning = Input(range="0..1"), Meaning(score_range=(0, 1))
    result = export(model, pictures, name="x", source=source, meaning=meaning)
    tried = {one.precision: one for one in result.tried}
    assert list(tried) == list(PRECISIONS)
    assert tried["int8"].shift.p99 > 3 > tried["float16"].shift.p99
    within = [one for one in result.tried if one.shift.p99 <= 3]
    assert result.precision == min(within, key=lambda one: len(one.data)).precision != "int8"
    assert result.contract.input.dtype == "float32"
    # The runtime runs what was written, as accurately as was said.
    (tmp_path / "x.tflite").write_bytes(result.data)
    got = [quality.score for quality in scores(tmp_path / "x.tflite", export_folder)]
    raw = np.asarray(model(export_pixels.astype("f4") / 255))[:, 0]
    assert np.quantile(np.abs(np.clip(100 * raw, 0, 100) - got), 0.99) <= 3.1
    with pytest.raises(ExportError, match="--max-p99-shift 3"):
        export(model, pictures, name="x", source=source, meaning=meaning, precision="int8")
    forced = export(
        model,
        pictures,
        name="x",
        source=source,
        meaning=meaning,
        precision="int8",
        max_p99_shift=100,
    )
    assert forced.precision == "int8"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_runs(
    precision: str, export_folder: Path, export_pixels: np.ndarray, tmp_path: Path
) -> None:
    keras = importlib.import_module("keras")
    model = fitted(keras, export_pixels, netzoo.brightness(export_pixels)[:, None])
    raw = np.asarray(model(export_pixels.astype("f4") / 255))[:, 0]
    result = export(
        model,
        find_pictures(export_folder),
        name="x",
        source=Input(range="0..1"),
        meaning=Meaning(score_range=(0, 1)),
        precision=precision,
    )
    assert result.precision == precision
    (tmp_path / "x.tflite").write_bytes(result.data)
    got = [quality.score for quality in scores(tmp_path / "x.tflite", export_folder)]
    limit = {"int8": 3.0, "int16x8": 1.0, "dynamic": 3.0, "float16": 0.2, "float32": 0.01}
    assert np.abs(np.clip(100 * raw, 0, 100) - got).max() < limit[precision]


def test_several_outputs_become_attributes(
    keras: Any, export_folder: Path, export_pixels: np.ndarray, tmp_path: Path
) -> None:
    level = netzoo.brightness(export_pixels)
    base = fitted(keras, export_pixels, np.stack([level, 1 - level], axis=1), activation="sigmoid")
    pooled = base.get_layer("pooled").output
    heads = [keras.layers.Dense(1, "sigmoid", name=name) for name in ("sharp", "dark")]
    model = keras.Model(base.input, [head(pooled) for head in heads])
    kernel, bias = base.layers[-1].get_weights()
    for column, head in enumerate(heads):
        head.set_weights([kernel[:, column : column + 1], bias[column : column + 1]])
    raw = [np.asarray(part)[:, 0] for part in model(export_pixels.astype("f4") / 255)]
    result = export(
        model,
        find_pictures(export_folder),
        name="two",
        source=Input(range="0..1"),
        meaning=Meaning(score_label="dark"),
    )
    assert result.contract.score_output.labels == ("sharp", "dark")
    assert result.contract.score_output.activation == "sigmoid"
    (tmp_path / "two.tflite").write_bytes(result.data)
    qualities = scores(tmp_path / "two.tflite", export_folder)
    assert [q.score for q in qualities] == pytest.approx(list(100 * raw[1]), abs=3)
    assert qualities[5].attributes["sharp"] == pytest.approx(raw[0][5], abs=0.03)


def test_a_model_of_mixed_precision_is_exported_in_full(
    keras: Any, export_folder: Path, export_pixels: np.ndarray, tmp_path: Path
) -> None:
    from convert.nets.keras_file import load_keras

    wanted = netzoo.brightness(export_pixels)[:, None]
    whole = fitted(keras, export_pixels, wanted)
    raw = np.asarray(whole(export_pixels.astype("f4") / 255))[:, 0]
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = netzoo.build(keras)
        model.set_weights(whole.get_weights())
        file = save(model, tmp_path)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    result = export(
        load_keras(file),
        find_pictures(export_folder),
        name="mixed",
        source=Input(range="0..1"),
        meaning=Meaning(score_range=(0, 1)),
    )
    assert result.precision == "int8"
    assert np.abs(result.scores - np.clip(100 * raw, 0, 100)).max() < 3


def test_a_channel_order_that_the_statistics_contradict_is_refused(tmp_path: Path) -> None:
    keras = importlib.import_module("keras")
    generator = np.random.default_rng(0)
    tint = np.array([1.0, 0.5, 0.2])
    for index in range(24):
        level = 255 * (0.1 + 0.9 * index / 24)
        pixels = generator.uniform(0.8, 1.0, (32, 32, 3)) * level * tint
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{index:02d}.png")
    pictures = find_pictures(tmp_path)
    pixels = np.stack([np.asarray(Image.open(file)) for file in pictures])
    model = fitted(keras, pixels, netzoo.brightness(pixels)[:, None])
    meaning = Meaning(score_range=(0, 1))
    export(model, pictures, name="x", source=Input(range="0..1"), meaning=meaning)
    with pytest.raises(ExportError, match="--color bgr"):
        export(model, pictures, name="x", source=Input(range="0..1", bgr=True), meaning=meaning)
