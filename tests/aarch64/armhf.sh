#!/usr/bin/env bash
# Runs golden scores with tflite-runtime's wheel for 32-bit ARM on an emulated Cortex-A7, and says
# how far they are from LiteRT's on this machine. They must differ; this shows by how much.
# Usage: tests/aarch64/armhf.sh [EVERY] [FILE.json]   each EVERY-th picture and frame (default: 41)
#
# PyPI has no NumPy and no Pillow for 32-bit ARM: Debian bookworm's stand in, NumPy 1.24 and Pillow
# 9.4. They are older than pip would take; a Raspberry Pi gets newer ones from piwheels.org.
# Needs what run.sh needs, and its PYTHON with edgeiqa's own dependencies.
# Exit codes: 0 it ran and was compared; 2 something is missing or failed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
every=${1:-41} report=${2:-}
python=${PYTHON:-python3}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/edgeiqa/armhf

fail() {
    printf 'armhf.sh: error: %s\n' "$*" >&2
    exit 2
}

qemu=$(command -v qemu-arm-static || command -v qemu-arm) ||
    fail "no QEMU: apt-get install qemu-user-static"
"$python" -c 'import ai_edge_litert, numpy, PIL' 2>/dev/null ||
    fail "$python lacks LiteRT, NumPy or Pillow; name a Python that has them with PYTHON="
mkdir -p "$cache"
work=$(mktemp -d "$cache/work-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

[ -d "$cache/debian" ] || "$here/root.sh" "$cache/debian" bookworm armhf \
    python3.11-minimal libpython3.11-stdlib libstdc++6 python3-numpy python3-pil
mkdir -p "$cache/debian/proc"
cp "$here/cpuinfo/cortex-a7.txt" "$cache/debian/proc/cpuinfo"
pip() {
    "$python" -m pip --disable-pip-version-check --quiet "$@" || fail "pip failed, see above"
}
pip wheel --no-deps --wheel-dir "$work" "$root"
pip install --no-compile --no-deps --target "$work/site" "$work"/edgeiqa-*.whl
pip install --no-compile --no-deps --target "$work/tflite" --only-binary=:all: \
    --implementation cp --python-version 3.11 --platform manylinux_2_34_armv7l \
    tflite-runtime==2.14.0

probe=$root/tests/golden/probe.py
echo "Computing the golden scores here ..." >&2
PYTHONPATH=$work/site "$python" "$probe" "$work/here.json" --tensors "$work/tensors" 2>"$work/log" ||
    fail "$(tail -n 5 "$work/log")"
echo "Computing each $every-th on an emulated Cortex-A7; this takes minutes ..." >&2
libraries=$cache/debian/usr/lib/arm-linux-gnueabihf
# NumPy's BLAS is found by Debian's alternatives, which only its installer would set.
"$qemu" -cpu cortex-a7 -L "$cache/debian" -E LC_ALL=C.UTF-8 \
    -E PYTHONPATH="$work/site:$work/tflite:$cache/debian/usr/lib/python3/dist-packages" \
    -E LD_LIBRARY_PATH="$libraries/blas:$libraries/lapack" \
    "$cache/debian/usr/bin/python3.11" -s -B "$probe" "$work/there.json" \
    --tensors "$work/tensors" --every "$every" 2>"$work/log" || fail "$(tail -n 5 "$work/log")"
"$python" "$root/tests/golden/compare.py" "$work/here.json" "$work/there.json" \
    --tensors "$work/tensors" ${report:+--json "$report"} || [ $? -eq 1 ]
