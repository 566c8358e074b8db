#!/usr/bin/env bash
# Prints the milliseconds per stage of one 1080p frame on the JVM of this machine, one thread, beside
# the variance of the Laplacian in plain Kotlin.
# Usage: android_demo/benchmark.sh [base|nano]
set -euo pipefail
# shellcheck source=tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

case ${1:-base} in
base | nano) ;;
*) die "unknown model $1; expected base or nano" ;;
esac
fetch
mkdir -p "$BUILD"
build_core
build_testing
on_jvm "" org.edgeiqa.testing.Benchmark "${1:-base}" 2>/dev/null
