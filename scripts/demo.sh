#!/bin/sh
# Installs edgeiqa's runtime into .venv-demo and scores the sample photographs.
# Usage: scripts/demo.sh [PATH...]   scores your own photographs or folders instead
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=scripts/venv.sh
. "$root/scripts/venv.sh"

venv="$root/.venv-demo"
if [ ! -f "$venv/edgeiqa-stamp" ]; then
    say "Installing edgeiqa into $venv (NumPy, Pillow and LiteRT; no TensorFlow) ..."
fi
prepare_venv "$venv" 99 "" --quiet

if [ $# -eq 0 ]; then
    cd "$root"
    set -- edgeiqa/assets/samples
    say "Scoring the sample photographs in $1 ..."
fi
exec "$venv/bin/edgeiqa" score "$@"
