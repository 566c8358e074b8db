"""Completes a software bill of materials: what CycloneDX's own tool cannot see of our wheel.

`cyclonedx-py environment` lists the packages of an environment with their licences. To that come
here: edgeiqa as the subject of the document, the SHA-256 of every wheel that was installed, and
the networks in it with theirs, as components of the type machine-learning-model.
`scripts/release/check_package.py` calls it; see CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

LICENCE = "Apache-2.0"
"""Of our code and networks."""


def sha256(data: bytes) -> list[dict[str, str]]:
    """As CycloneDX writes a checksum."""
    return [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]


def wheel_metadata(wheel: Path) -> Message:
    """What a wheel says about itself: the headers of its METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode("utf-8"))


def wheel_identity(wheel: Path) -> tuple[str, str]:
    """Name, normalised (PEP 503), and version out of a wheel's own metadata."""
    metadata = wheel_metadata(wheel)
    return re.sub(r"[-_.]+", "-", str(metadata["Name"])).lower(), str(metadata["Version"])


def networks(wheel: Path) -> list[dict[str, Any]]:
    """The .tflite files of our wheel as components.

    Each with the SHA-256 of the whole file, which `sha256sum` of the installed file gives too,
    its licence, and with what it was trained on under which terms.
    """
    from edgeiqa.inference.contract import read

    found = []
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".tflite")):
            data = archive.read(name)
            contract = read(data)[0]
            training: Mapping[str, Any] = contract.training or {}
            sources = training.get("data") or training.get("sources") or []
            found.append(
                {
                    "type": "machine-learning-model",
                    "bom-ref": f"edgeiqa-model:{contract.name}@{contract.version}",
                    "name": f"edgeiqa-{contract.name}",
                    "version": contract.version,
                    "description": "no-reference image quality assessment, int8 TFLite",
                    "hashes": sha256(data),
                    "licenses": [{"license": {"id": LICENCE}}],
                    "modelCard": {
                        "modelParameters": {
                            "task": "image quality assessment",
                            "architectureFamily": "convolutional neural network",
                            "datasets": [_dataset(source) for source in sources],
                        }
                    },
                    "properties": [
                        {"name": "edgeiqa:file", "value": name},
                        {"name": "edgeiqa:bytes", "value": str(len(data))},
                        {
                            "name": "edgeiqa:flatbuffer_sha256",
                            "value": contract.flatbuffer_sha256,
                        },
                    ],
                }
            )
    return found


def _dataset(source: Mapping[str, Any]) -> dict[str, Any]:
    dataset = {"type": "dataset", "name": str(source.get("name"))}
    if source.get("terms"):
        dataset["description"] = f"Terms: {source['terms']}"
    return dataset


def completed(document: dict[str, Any], ours: Path, wheels: Iterable[Path]) -> dict[str, Any]:
    """Completes the document of `cyclonedx-py environment`.

    Args:
        document: CycloneDX 1.6, JSON, of an environment in which our wheel is installed.
        ours: Our wheel.
        wheels: All wheels that were installed, ours among them.

    Returns:
        The document, its components in alphabetical order.

    Raises:
        ValueError: It lacks our package, or has a component whose wheel is not there.
    """
    files = {wheel_identity(wheel): wheel for wheel in wheels}
    components = []
    subject = None
    for component in document.get("components", []):
        name = re.sub(r"[-_.]+", "-", component["name"]).lower()
        wheel = files.get((name, component["version"]))
        if wheel is None:
            raise ValueError(f"no wheel of {component['name']} {component['version']} is there")
        made = {**component, "hashes": sha256(wheel.read_bytes())}
        if "licenses" not in made and (licence := wheel_metadata(wheel)["License"]):
            # Free text of old metadata, which the tool leaves out.
            made["licenses"] = [{"license": {"name": " ".join(str(licence).split())[:100]}}]
        made.setdefault("properties", []).append({"name": "edgeiqa:wheel", "value": wheel.name})
        # The place where the document was made means nothing to others.
        made["externalReferences"] = [
            one
            for one in made.get("externalReferences", [])
            if not one["url"].startswith(("file:", "/"))
        ]
        if name == "edgeiqa":
            subject = made
        else:
            components.append(made)
    if subject is None:
        raise ValueError("edgeiqa is not among the packages of the environment")
    models = networks(ours)
    subject["components"] = models
    document["metadata"]["component"] = subject
    document["components"] = sorted(components, key=lambda one: str(one["name"]).lower())
    return document


def write(document: Mapping[str, Any], target: Path) -> None:
    """Writes a document, the same bytes for the same content."""
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    target.write_text(text + "\n", encoding="utf-8")
