"""The step ``verify``: compare an int8 .tflite with its float model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..common.files import prepare_targets
from ..quantization.parity import read_pixels, spread_out
from ..quantization.verify import verify
from .common import add_picture_arguments, existing_file, model_name, picture_rows, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this step's options."""
    parser.add_argument(
        "model",
        type=model_name,
        metavar="MODEL",
        help="int8 .tflite with its contract, or a shipped model's name: base",
    )
    parser.add_argument(
        "--keras",
        required=True,
        type=existing_file,
        metavar="FILE",
        help="float student before QAT, .keras or .h5",
    )
    parser.add_argument(
        "--qat", type=existing_file, metavar="FILE", help="fake-quantised student, compared too"
    )
    for name, net in (("rescale", "float"), ("qat-rescale", "fake-quantised")):
        parser.add_argument(
            f"--{name}",
            nargs=2,
            type=float,
            metavar=("SCALE", "OFFSET"),
            help=f"the {net} net is fed pixel (0-255) * SCALE + OFFSET (default: 1 0)",
        )
    parser.add_argument(
        "--float-tflite",
        type=existing_file,
        metavar="FILE",
        help="float .tflite (default: made from --keras)",
    )
    add_picture_arguments(parser, "validation")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only N pictures, evenly spread (default: all)"
    )
    parser.add_argument(
        "--max-p99-shift",
        "--max-shift-p99",
        dest="max_shift_p99",
        type=float,
        metavar="POINTS",
        help="exit with 1 when the 99th percentile of the score shifts from float to int8 is "
        "larger, in points of 0-100 (default: no limit)",
    )
    parser.add_argument(
        "--max-srocc-loss",
        type=float,
        metavar="X",
        help="exit with 1 when the SROCC with MOS of int8 is more than X below that of the float "
        "net, such as 0.005 (default: no limit)",
    )
    parser.add_argument("--json", metavar="FILE", help="write results as JSON, - for stdout")


def run(args: argparse.Namespace) -> int:
    """Run this step; exit code 1 when a problem was found, 3 when pictures were unreadable."""
    from edgeiqa.inference.model import Model

    from ..common.quiet import quiet
    from ..nets.keras_file import load_keras

    rows, root = picture_rows(args)
    prepare_targets(args.json)
    if args.limit is not None:
        if args.limit < 2:
            raise ValueError(f"--limit must be at least 2, got {args.limit}")
        rows = spread_out(rows, args.limit)
    with quiet():  # LiteRT announces its delegate
        spec = Model(args.model).contract.input
    pixels, errors = read_pixels([root / row.path for row in rows], spec)
    for path, error in errors.items():
        print(f"unreadable: {path}: {error}", file=sys.stderr)
    mos = [row.mos for row in rows if str(root / row.path) not in errors]
    float_tflite = Path(args.float_tflite).read_bytes() if args.float_tflite else None
    with quiet():
        import tensorflow  # noqa: F401  (its first import writes to stderr)

        float_model = load_keras(args.keras)
        qat_model = load_keras(args.qat) if args.qat else None
    result = verify(
        args.model,
        float_model,
        pixels,
        mos,
        float_tflite=float_tflite,
        qat_model=qat_model,
        rescale=args.rescale,
        qat_rescale=args.qat_rescale,
        max_shift_p99=args.max_shift_p99,
        max_srocc_loss=args.max_srocc_loss,
    )
    report(result.to_dict(), result.table(), args.json)
    if not result.passed:
        return 1
    return 3 if errors else 0
