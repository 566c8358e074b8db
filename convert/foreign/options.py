"""The command-line options of ``python -m convert export``."""

from __future__ import annotations

import argparse

from convert.foreign.meaning import KINDS
from convert.foreign.model import RANGES
from edgeiqa.spec import FITS

_EPILOG = """\
example: a model with one output from 1 (bad) to 5 (excellent), trained on pixels from -1 to 1
  python -m convert export --keras mymodel.keras --images photos/ --input-range -1..1 \\
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
        "--keras", required=True, metavar="FILE", help="whole model, .keras or .h5 (Keras 3 or 2)"
    )
    parser.add_argument(
        "--images",
        required=True,
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
        "--samples",
        type=int,
        default=200,
        metavar="N",
        help="most pictures to calibrate with, at least 20 (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the report as JSON")
