#!/usr/bin/env bash
# Runs the golden scores with the real aarch64 wheels on emulated processors of Raspberry Pis and
# says how far they are from those of this machine.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: tests/aarch64/run.sh [OPTION]...

Builds our wheel and, per Python, a small Debian for aarch64 with the aarch64 wheels of LiteRT,
NumPy and Pillow; runs the golden scores and the command line there under QEMU; compares all with
the same on this machine: raw int8 outputs, scores, tensors, causes, printed text.

  --python X.Y     3.11 (Debian bookworm) or 3.13 (Debian trixie); can be repeated; default: both
  --cpu NAME       cortex-a53 (Pi Zero 2 W, Pi 3), cortex-a72 (Pi 4) or cortex-a76 (Pi 5); can be
                   repeated; default: all three
  --plan X.Y:NAME:N  one Python on one processor with each N-th picture and frame; can be repeated,
                   goes before --python and --cpu
  --every N        only each N-th picture and frame, for a quick look (default: 1, which takes
                   about 10 minutes per Python and processor)
  --jobs N         so many at once (default: the number of processors here)
  --wheel FILE     this wheel instead of one that is built from the checkout
  --cache DIR      where downloads and unpacked systems are kept for the next time
                   (default: $XDG_CACHE_HOME/edgeiqa/aarch64; some 600 MB)
  --fresh          fetch all anew, also what the cache has
  --json FILE      write a report
  -h, --help

PYTHON names the Python of this machine to use, with pip (default: the first from 3.10 on);
EDGEIQA_DEBIAN_MIRROR Debian's mirror (default: the one of the system).

exit codes: 0 all is equal, 1 something differs or broke there, 2 wrong usage, or something that
is needed is missing: the message says what to install.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/venv.sh
. "$root/scripts/venv.sh" # say, find_python

refuse() {
    say "run.sh: error: $*"
    exit 2
}

declare -A SUITES=([3.11]=bookworm [3.13]=trixie) GLIBC=([3.11]=36 [3.13]=41)
pythons=() cpus=() plans=() passed=()
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/edgeiqa/aarch64
fresh='' wheel='' every=1
shown=tests/aarch64/run.sh # What of it decides what is computed.
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        --fresh)
            fresh=yes
            shift
            continue
            ;;
        --python | --cpu | --plan | --every | --jobs | --wheel | --cache | --json)
            [ $# -ge 2 ] && [ -n "$2" ] || refuse "$1 needs a value; see --help"
            ;;
        *) refuse "unknown argument $1; see --help" ;;
    esac
    case $1 in --python | --cpu | --plan | --every) shown+=" $1 $2" ;; esac
    case $1 in
        --python) pythons+=("$2") ;;
        --cpu) cpus+=("$2") ;;
        --plan) plans+=("$2") ;;
        --every) every=$2 ;;
        --wheel) wheel=$2 ;;
        --cache) cache=$2 ;;
        --jobs)
            [[ $2 =~ ^[1-9][0-9]*$ ]] || refuse "--jobs is $2, expected a whole number from 1 on"
            passed+=(--jobs "$2")
            ;;
        --json) passed+=(--json "$2") ;;
    esac
    shift 2
done
[ ${#pythons[@]} -gt 0 ] || pythons=(3.11 3.13)
[ ${#cpus[@]} -gt 0 ] || cpus=(cortex-a53 cortex-a72 cortex-a76)
if [ ${#plans[@]} -eq 0 ]; then
    for python in "${pythons[@]}"; do
        for cpu in "${cpus[@]}"; do plans+=("$python:$cpu:$every"); done
    done
fi
wanted=()
for plan in "${plans[@]}"; do
    IFS=: read -r python cpu number rest <<<"$plan"
    [ -n "${SUITES[$python]-}" ] || refuse "no Python '$python' here, expected 3.11 or 3.13"
    [[ $number =~ ^[1-9][0-9]*$ && -z $rest ]] ||
        refuse "'$number' is no whole number from 1 on; expected --every N or --plan X.Y:NAME:N"
    [ -f "$here/cpuinfo/$cpu.txt" ] ||
        refuse "no processor '$cpu', expected cortex-a53, cortex-a72 or cortex-a76"
    [[ " ${wanted[*]-} " == *" $python "* ]] || wanted+=("$python")
done
[ -z "$wheel" ] || [ -f "$wheel" ] || refuse "no wheel $wheel"

# What must be there.
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
missing=
[ -n "$qemu" ] || missing="$missing qemu-user-static"
command -v dpkg-deb >/dev/null || missing="$missing dpkg"
command -v flock >/dev/null || missing="$missing util-linux"
compgen -G '/usr/share/keyrings/debian-archive-keyring.*' >/dev/null ||
    missing="$missing debian-archive-keyring"
command -v apt-get >/dev/null || refuse "apt-get is missing: this needs a Debian or Ubuntu"
[ -z "$missing" ] || refuse "missing programs: apt-get install$missing (or scripts/test_tools.sh)"
here_python=$(find_python 99) || exit 2
here_python=$(command -v "$here_python")
"$here_python" -m pip --version >/dev/null 2>&1 ||
    refuse "$here_python has no pip: apt-get install python3-pip, or name one with PYTHON="
known=$("$qemu" -cpu help || true) # It exits with 1.
for plan in "${plans[@]}"; do
    IFS=: read -r _ cpu _ <<<"$plan"
    grep -qw "$cpu" <<<"$known" ||
        refuse "$("$qemu" --version | head -n 1) does not know $cpu (since QEMU 7.1 it does)." \
            "It knows:$(grep '^ ' <<<"$known" | tr -s ' \n' ' ')"
done

mkdir -p "$cache" || refuse "the cache $cache cannot be made; name another with --cache"
cache=$(cd "$cache" && pwd)
exec 9>"$cache/lock"
flock --nonblock 9 || {
    say "Waiting for another run with the cache $cache ..."
    flock 9
}
made=$cache/half.$$
trap 'rm -rf "$made"' EXIT
trap 'exit 130' INT TERM
rm -rf "$cache"/half.* "$cache"/*.half.* "$cache"/work-* # Of runs that were killed.
mkdir "$made"

# pip ARGUMENT...: quiet but for errors.
pip() {
    "$here_python" -m pip --disable-pip-version-check --quiet "$@" 2>"$made/log" || {
        cat "$made/log" >&2
        refuse "pip failed; its message is above. It needs PyPI (or an index in PIP_INDEX_URL)"
    }
}

# put FOLDER PIP_OPTION...: installs into a folder, whole or not at all.
put() {
    local folder=$1
    shift
    rm -rf "$made/put"
    pip install --no-compile --target "$made/put" "$@"
    rm -rf "$folder"
    mv "$made/put" "$folder"
}

if [ -z "$wheel" ]; then
    say "Building the wheel ..."
    pip wheel --no-deps --wheel-dir "$made" "$root"
    wheel=$(echo "$made"/edgeiqa-*.whl)
fi
# Ours lies apart, so that a changed line of it need not fetch the others anew.
ours=$cache/ours
put "$ours" --no-deps "$wheel"
needs=$(sed -n 's/^Requires-Dist: //p' "$ours"/edgeiqa-*.dist-info/METADATA | grep -v extra | cksum)

# put_needs FOLDER PIP_OPTION...: what our wheel asks for, and not itself.
put_needs() {
    local folder=$1
    shift
    if [ -z "$fresh" ] && [ "$(cat "$folder/edgeiqa-stamp" 2>/dev/null)" = "$needs" ]; then
        return
    fi
    say "Fetching the wheels for $(basename "$folder") ..."
    rm -rf "$folder" "$made/needs"
    put "$made/needs" "$@" "$wheel"
    rm -rf "$made"/needs/{edgeiqa,convert,bin,edgeiqa-*.dist-info}
    echo "$needs" >"$made/needs/edgeiqa-stamp"
    mv "$made/needs" "$folder"
}

tag=$("$here_python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
put_needs "$cache/site-native-$tag"
for python in "${wanted[@]}"; do
    debian=$cache/root-$python
    if [ -n "$fresh" ] || [ ! -d "$debian" ]; then
        say "Fetching Debian ${SUITES[$python]} for aarch64 ..."
        "$here/root.sh" "$debian" "${SUITES[$python]}" arm64 \
            "python$python-minimal" "libpython$python-stdlib" libstdc++6
    fi
    platforms=(--platform manylinux2014_aarch64)
    for ((minor = 17; minor <= GLIBC[$python]; minor++)); do
        platforms+=(--platform "manylinux_2_${minor}_aarch64")
    done
    put_needs "$cache/site-$python" --only-binary=:all: --implementation cp \
        --python-version "$python" "${platforms[@]}"
done
# Per Python and processor a view of its Debian with the processor's /proc/cpuinfo: XNNPACK
# chooses its kernels by that.
for plan in "${plans[@]}"; do
    IFS=: read -r python cpu _ <<<"$plan"
    view=$cache/view-$python-$cpu
    rm -rf "$view"
    mkdir -p "$view/proc" "$view/sys/devices/system/cpu"
    cp "$here/cpuinfo/$cpu.txt" "$view/proc/cpuinfo"
    echo 0-3 | tee "$view/sys/devices/system/cpu/"{possible,present} >/dev/null
    for part in "$cache/root-$python"/*; do
        ln -s "../root-$python/$(basename "$part")" "$view/"
    done
done

PYTHONPATH=$cache/site-native-$tag "$here_python" "$here/drive.py" --cache "$cache" --qemu "$qemu" --native "$cache/site-native-$tag" \
    --wheel "$(basename "$wheel")" --command "$shown" \
    ${passed[@]+"${passed[@]}"} -- "${plans[@]}"
