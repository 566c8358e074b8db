"""The command-line options of ``edgeiqa convert export``."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from edgeiqa.inference.contract_spec import FITS

from ..common.files import prepare_targets, write_bytes, write_json
from ..keras_import.export import MAX_P99_SHIFT, PRECISIONS, export
from ..keras_import.inputs import Input, find_pictures
from ..keras_import.meaning import KINDS, ExportError, Meaning
from ..keras_import.model import RANGES
from .common import existing_file, existing_folder

_EPILOG = """\
example: a model with one output from 1 (bad) to 5 (excellent), trained on pixels from -1 to 1
  edgeiqa convert export --keras mymodel.keras --images photos/ --input-range -1..1 \\
      --score-range 1 5 --output mymodel.tflite
  edgeiqa score photos/ --model mymodel.tflite

--input-range says what the model's training code made of pixels 0-255 before it fed them
(0..1: divided by 255; -1..1: pixel / 127.5 - 1; imagenet: ImageNet's mean and deviation per
channel; 0..255: nothing). That step becomes part of the .tflite, so a wrong one ruins the scores.
--score-range names the worst and the best value of the scale that the model was trained on,
not those that it happens to give.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "--keras",
        required=True,
        type=existing_file,
        metavar="FILE",
        help="whole model, .keras or .h5 (Keras 3 or 2)",
    )
    parser.add_argument(
        "--images",
        required=True,
        type=existing_folder,
        metavar="DIR",
        help="pictures like those to be scored; they calibrate int8 and measure parity",
    )
    parser.add_argument(
        "--output", metavar="FILE", help=".tflite to write (default: --keras with that suffix)"
    )
    parser.add_argument("--name", metavar="NAME", help="of the model (default: the file's name)")
    parser.add_argument(
        "--model-version", default="1", metavar="TEXT", help="of the model (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        nargs=2,
        type=int,
        metavar=("HEIGHT", "WIDTH"),
        help="input size in pixels, for models that take any (default: the model's own)",
    )
    parser.add_argument(
        "--input-range",
        default="auto",
        choices=["auto", *RANGES],
        help="pixel values that the model was trained on (default: auto, for a model that begins "
        "with Rescaling or Normalization)",
    )
    parser.add_argument(
        "--color",
        default="rgb",
        choices=["rgb", "bgr"],
        help="channel order that it was trained on (default: %(default)s)",
    )
    parser.add_argument(
        "--fit",
        default="squash",
        choices=FITS,
        help="squash the whole picture into the input, or crop its centre (default: %(default)s)",
    )
    parser.add_argument(
        "--output-kind",
        default="auto",
        choices=KINDS,
        help="one score, scores per attribute, or shares per score bin, before (logits) or after "
        "softmax (default: auto, from shape, last activation and --labels)",
    )
    parser.add_argument(
        "--score-range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="ends of the model's scale, which become 0 and 100, such as 1 5",
    )
    parser.add_argument(
        "--lower-is-better",
        action="store_true",
        help="a low raw value means a good picture, so LOW becomes 100",
    )
    parser.add_argument("--labels", metavar="A,B,C", help="names of the attributes, in order")
    parser.add_argument("--score-label", metavar="A", help="which attribute is the quality")
    parser.add_argument(
        "--bins", metavar="X,Y,Z", help="raw score of every bin, rising (default: 1,2,...)"
    )
    parser.add_argument(
        "--precision",
        default="auto",
        choices=["auto", *PRECISIONS],
        help="of the .tflite (default: auto, int8 if it is within --max-p99-shift, else the "
        "smallest of all that are)",
    )
    parser.add_argument(
        "--max-p99-shift",
        type=float,
        default=MAX_P99_SHIFT,
        metavar="POINTS",
        help="refuse what moves one score in a hundred by more, in points of 0-100 "
        "(default: %(default)g)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="take --input-range and --color even where the model's statistics speak against them",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=200,
        metavar="N",
        help="most pictures to calibrate with, at least 20 (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 3 when pictures were unreadable."""
    from edgeiqa.scorer import Scorer

    from ..common.quiet import quiet
    from ..nets.keras_file import load_keras

    unreadable = []

    def say(text: str) -> None:
        if text.startswith("unreadable"):
            unreadable.append(text)
            print(text, file=sys.stderr)
        else:
            print(text, flush=True)

    keras_file = Path(args.keras)
    pictures = find_pictures(args.images)
    prepare_targets(args.output, args.json)
    meaning = Meaning(
        kind=args.output_kind,
        score_range=tuple(args.score_range) if args.score_range else None,
        lower_is_better=args.lower_is_better,
        labels=tuple(part.strip() for part in args.labels.split(",")) if args.labels else None,
        score_label=args.score_label,
        bins=_floats(args.bins) if args.bins else None,
    )
    size = tuple(args.size) if args.size else None
    source = Input(size, args.input_range, args.color == "bgr", args.fit, args.force)
    with quiet():
        import tensorflow  # noqa: F401  (its first import writes to stderr)

        model = load_keras(keras_file)
    target = Path(args.output) if args.output else keras_file.with_suffix(".tflite")
    prepare_targets(target)
    say(f"model     {keras_file.name}, {type(model).__module__.split('.')[0]}, {_count(model)}")
    result = export(
        model,
        pictures,
        name=args.name or re.sub(r"[^A-Za-z0-9_.-]+", "-", keras_file.stem) or "model",
        version=args.model_version,
        source=source,
        meaning=meaning,
        precision=args.precision,
        max_p99_shift=args.max_p99_shift,
        samples=args.samples,
        say=say,
    )
    write_bytes(target, result.data)
    with quiet():
        scorer = Scorer(model=target)
    sample = next(p for p in pictures if str(p) not in " ".join(unreadable))
    say(f"written   {target}; Scorer gives {sample.name} {scorer.score(sample).score:.1f}")
    say(f"next      edgeiqa score PHOTOS --model {target}")
    for warning in result.warnings:
        say(f"WARNING   {warning}")
    if args.json:
        write_json(args.json, result.to_dict())
    return 3 if unreadable else 0


def _count(model: Any) -> str:
    return f"{model.count_params() / 1e6:.2f} million parameters"


def _floats(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ExportError(f"--bins must be numbers with commas between, got {text!r}") from error
