"""How far two files of tests/golden/probe.py differ, and whether what they hold is golden.

Usage: python tests/golden/compare.py REFERENCE.json [OTHER.json] --tensors FOLDER [--json FILE]

Without OTHER it only says whether REFERENCE is golden.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent

# exp() and tanh() may differ in their last bit between C libraries; the integers may not.
TOLERANCE = 1e-9


@dataclass
class Difference:
    """How far one document differs from the reference, over the entries that both have.

    Attributes:
        compared: Pictures and frames.
        pixels: So many of them were decoded otherwise.
        tensors: So many tensors out of preprocessing differ in any value,
        tensor_step: and by at most so much, of 0-255.
        integers: Raw numbers out of the network that were compared,
        integers_off: of which so many differ,
        integer_step: by at most so much, of int8.
        score: Largest difference of a score or its std, points of 0-100.
        causes: Largest difference of a severity, 0-1.
        not_golden: Entries that are not as committed in tests/golden.
    """

    compared: int = 0
    pixels: int = 0
    tensors: int = 0
    tensor_step: int = 0
    integers: int = 0
    integers_off: int = 0
    integer_step: int = 0
    score: float = 0.0
    causes: float = 0.0
    not_golden: int = 0

    @property
    def none(self) -> bool:
        """Whether all is as it must be: the integers alike, and the rest to the last bit or so."""
        exact = (self.pixels, self.tensors, self.integers_off, self.not_golden)
        return self.compared > 0 and not any(exact) and max(self.score, self.causes) <= TOLERANCE


def compare(
    reference: dict[str, Any], other: dict[str, Any], folder: Path, golden: Path = FOLDER
) -> dict[str, Difference]:
    """Compares what a probe told with what the reference's told.

    Args:
        reference: As `tests.golden.probe.probe` returns it; with all pictures.
        other: The same, perhaps of another machine, perhaps with fewer pictures.
        folder: Where both have left their tensors.
        golden: Where the committed golden scores lie.

    Returns:
        One difference per document, such as "base" or "base-frames".

    Raises:
        ValueError: The two are about different networks, or the other has a picture of its own.
    """
    found = {}
    for name, document in other["documents"].items():
        mine = reference["documents"].get(name)
        sha = "flatbuffer_sha256"
        if mine is None or mine[sha] != document[sha]:
            raise ValueError(f"{name}: the two were computed with different networks")
        committed = json.loads((golden / f"{name}.json").read_text(encoding="utf-8"))
        difference = found[name] = Difference()
        for title, entry in document["pictures"].items():
            if title not in mine["pictures"]:
                raise ValueError(f"{name}: the reference has no {title!r}")
            _add(difference, mine["pictures"][title], entry, folder)
            known = committed["pictures"].get(title)
            difference.not_golden += not _is_golden(known, entry["golden"])
    return found


def _add(total: Difference, mine: dict[str, Any], entry: dict[str, Any], folder: Path) -> None:
    total.compared += 1
    total.pixels += mine["pixels"] != entry["pixels"]
    for name, key in entry["tensors"].items():
        if key == mine["tensors"][name]:
            continue
        total.tensors += 1
        both = [np.load(folder / f"{one}.npy").astype(int) for one in (mine["tensors"][name], key)]
        if both[0].shape == both[1].shape:
            total.tensor_step = max(total.tensor_step, int(np.abs(both[0] - both[1]).max()))
        else:
            total.tensor_step = 255
    for name, values in entry["outputs"].items():
        steps = np.abs(np.subtract(mine["outputs"][name], values))
        total.integers += steps.size
        total.integers_off += int(np.count_nonzero(steps))
        total.integer_step = max(total.integer_step, int(steps.max()))
    apart = {name: abs(mine["values"][name] - value) for name, value in entry["values"].items()}
    if "score" in apart:
        total.score = max(total.score, *apart.values())
    else:
        total.causes = max(total.causes, *apart.values())


def _is_golden(known: Any, value: Any) -> bool:
    """Equal, floating point within the tolerance."""
    if isinstance(known, dict) and isinstance(value, dict):
        same = known.keys() == value.keys()
        return same and all(_is_golden(known[key], value[key]) for key in known)
    if isinstance(known, float) and isinstance(value, float):
        return abs(known - value) <= TOLERANCE
    return bool(known == value)


def total(differences: dict[str, Difference]) -> Difference:
    """Over all documents: counts are added up, of the largest steps the largest counts."""
    whole = Difference()
    for one in differences.values():
        for name, value in asdict(one).items():
            mine = getattr(whole, name)
            largest = name in ("tensor_step", "integer_step", "score", "causes")
            setattr(whole, name, max(mine, value) if largest else mine + value)
    return whole


def lines(differences: dict[str, Difference]) -> list[str]:
    """For people: one line per document."""
    told = []
    for name, one in differences.items():
        verdict = "equal" if one.none else f"DIFFERENT, {one.not_golden} not golden"
        parts = [
            f"{one.compared} compared",
            f"{one.integers} integers, {one.integers_off} differ by up to {one.integer_step}",
            f"tensors: {one.tensors} differ by up to {one.tensor_step}",
            f"causes: {one.causes:.3g}" if name == "causes" else f"scores: {one.score:.3g}",
        ]
        told.append(f"{name}: {verdict} ({'; '.join(parts)})")
    return told


def read(file: Path) -> dict[str, Any]:
    """A file that a probe wrote."""
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the differences; returns 0 if there are none, 1 if there are some."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("reference", type=Path, metavar="REFERENCE.json")
    parser.add_argument("other", type=Path, nargs="?", metavar="OTHER.json")
    parser.add_argument("--tensors", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write a report, too")
    args = parser.parse_args(arguments)
    reference = read(args.reference)
    other = reference if args.other is None else read(args.other)
    found = compare(reference, other, args.tensors)
    print("\n".join(lines(found)))
    if args.json is not None:
        about = ("python", "machine", "versions", "every")
        report = {
            "reference": {key: reference[key] for key in about},
            "other": {key: other[key] for key in about},
            "documents": {name: asdict(one) for name, one in found.items()},
            "total": asdict(total(found)),
        }
        half = args.json.with_name(args.json.name + ".half")
        half.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        half.replace(args.json)
    return 0 if total(found).none else 1


if __name__ == "__main__":
    sys.exit(main())
