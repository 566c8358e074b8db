#!/bin/sh
# Installs all that the tests need (TensorFlow too, 3.8 GB on the disk) into .venv-test and runs them.
# Usage: scripts/test.sh [PYTEST ARGUMENT...]   for example: scripts/test.sh -m "not slow"
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=scripts/venv.sh
. "$root/scripts/venv.sh"

venv="$root/.venv-test"
if [ ! -f "$venv/edgeiqa-stamp" ]; then
    say "Installing edgeiqa with TensorFlow and the test tools into $venv;" \
        "this downloads 1.1 GB and takes some minutes the first time ..."
fi
# TensorFlow 2.21 has wheels up to Python 3.13.
if [ -t 1 ]; then
    prepare_venv "$venv" 13 "[convert,test]"
else
    prepare_venv "$venv" 13 "[convert,test]" --quiet
fi

cd "$root"
# TensorFlow's start-up notes are no test results.
TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-3}
export TF_CPP_MIN_LOG_LEVEL
exec "$venv/bin/python" -m pytest "$@"
