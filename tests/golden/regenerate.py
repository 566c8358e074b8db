"""Writes the golden scores anew, or compares them.

Usage: python tests/golden/regenerate.py [--check]

Do so when a model has changed on purpose, never to silence a test: the same model must give the
same scores on every machine, thread and version of the libraries.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from edgeiqa.detail import detail  # noqa: E402
from edgeiqa.diagnosis import Diagnosis  # noqa: E402
from edgeiqa.frame import Frame  # noqa: E402
from edgeiqa.model import Model, available_models  # noqa: E402
from edgeiqa.preprocess import preprocess  # noqa: E402
from edgeiqa.quality import quality_from_outputs  # noqa: E402
from tests.golden.frames import golden_frames  # noqa: E402
from tests.golden.pictures import golden_pictures  # noqa: E402

FOLDER = Path(__file__).resolve().parent


def digest(array: np.ndarray) -> str:
    """SHA-256 of shape and values."""
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()


def golden(name: str) -> dict[str, Any]:
    """Everything one model must reproduce."""
    model = Model(name)
    pictures: dict[str, Any] = {}
    for title, rgb in golden_pictures():
        tensor = preprocess(Frame(rgb), model.contract.input)
        quality = quality_from_outputs(model.run(tensor), model.contract)
        pictures[title] = {
            "pixels": digest(rgb),
            "tensor": digest(tensor),
            "outputs": {key: values.tolist() for key, values in model.run_raw(tensor).items()},
            "score": quality.score,
            "std": quality.std,
        }
    return {
        "model": model.contract.name,
        "version": model.contract.version,
        "flatbuffer_sha256": model.contract.flatbuffer_sha256,
        "pictures": pictures,
    }


def golden_of_frames(name: str) -> dict[str, Any]:
    """The same for frames as cameras give them."""
    model = Model(name)
    frames: dict[str, Any] = {}
    for title, frame in golden_frames():
        tensor = preprocess(frame, model.contract.input)
        planes = [frame.pixels, *(frame.chroma or ())]
        frames[title] = {
            "pixels": [digest(plane) for plane in planes],
            "tensor": digest(tensor),
            "outputs": {key: values.tolist() for key, values in model.run_raw(tensor).items()},
            "score": quality_from_outputs(model.run(tensor), model.contract).score,
        }
    return {
        "model": model.contract.name,
        "version": model.contract.version,
        "flatbuffer_sha256": model.contract.flatbuffer_sha256,
        "pictures": frames,
    }


def golden_of_causes() -> dict[str, Any]:
    """What the network for causes and the histogram must tell, of pictures and of frames."""
    diagnosis = Diagnosis()
    contract = diagnosis.contract
    pictures: dict[str, Any] = {}
    frames = [(title, Frame(rgb)) for title, rgb in golden_pictures()]
    for title, frame in (*frames, *golden_frames()):
        seen = detail(frame, contract.input)
        (outputs,) = diagnosis.model.run_raw(seen.tensor).values()
        pictures[title] = {
            "patches": digest(seen.tensor),
            "small": digest(seen.small),
            "outputs": digest(outputs),
            "causes": diagnosis.causes(frame),
        }
    return {
        "model": contract.name,
        "version": contract.version,
        "flatbuffer_sha256": contract.flatbuffer_sha256,
        "pictures": pictures,
    }


def text(document: dict[str, Any]) -> str:
    """JSON with one picture a line, so that a difference is easy to read."""
    pictures = ",\n".join(
        f"  {json.dumps(title)}: {json.dumps(entry)}"
        for title, entry in document["pictures"].items()
    )
    head = json.dumps({k: v for k, v in document.items() if k != "pictures"})
    return f'{head[:-1]},\n "pictures": {{\n{pictures}\n }}}}\n'


def main() -> int:
    """Writes, or with --check compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only tell what would change")
    arguments = parser.parse_args()
    changed = 0
    documents = {"causes": golden_of_causes()}
    for name in available_models():
        documents |= {name: golden(name), f"{name}-frames": golden_of_frames(name)}
    for name, document in documents.items():
        path = FOLDER / f"{name}.json"
        new = text(document)
        same = path.is_file() and path.read_text(encoding="utf-8") == new
        print(f"{path.name}: {'as it was' if same else 'changed'}")
        changed += not same
        if not arguments.check:
            path.write_text(new, encoding="utf-8")
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
