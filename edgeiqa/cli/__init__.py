"""One file per command of `edgeiqa`: `add` describes it to argparse, `run` does it."""
