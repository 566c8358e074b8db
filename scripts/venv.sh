# Sourced by demo.sh and test.sh: a virtual environment that sets itself up, once.
# shellcheck shell=sh

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "error: $*"
    exit 1
}

# find_python MAX_MINOR: prints the first Python from 3.10 to 3.MAX_MINOR; $PYTHON goes first.
find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.10; do
        if "$candidate" -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, $1))" \
            >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    if command -v python3 >/dev/null 2>&1; then
        fail "Python 3.10 to 3.$1 is needed; python3 here is $(python3 -V 2>&1)." \
            "Name another with PYTHON=/path/to/python."
    fi
    fail "no Python found. On Debian or Ubuntu: apt-get install python3 python3-venv"
}

# need_venv PYTHON: Debian and Ubuntu ship Python without ensurepip; installs it if it is missing.
need_venv() {
    if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        return 0
    fi
    package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1; then
        as_root=sudo
    else
        as_root=none
    fi
    if [ "$as_root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
        fail "this Python cannot make virtual environments." \
            "Please install the package $package (or python3-venv) and run this again."
    fi
    say "Installing $package, which Python needs to make a virtual environment ..."
    # An index that is out of date is worth a try; a failure shows in the install itself.
    $as_root apt-get -qq update || true
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "$package" >&2 ||
        fail "apt-get could not install $package. Please install it and run this again."
}

# prepare_venv FOLDER MAX_MINOR EXTRAS PIP_OPTION...: makes FOLDER a virtual environment in which
# the checkout in $root is installed with EXTRAS ("" or "[name,...]"). Returns at once when that
# has been done before and pyproject.toml has not changed since.
prepare_venv() {
    checkout=${root:?} venv=$1 max_minor=$2 extras=$3
    shift 3
    place="$venv/edgeiqa-place"
    stamp="$venv/edgeiqa-stamp"
    wanted="$extras $(cksum <"$checkout/pyproject.toml")"
    # A virtual environment holds absolute paths: one whose checkout has moved is made anew.
    if ! { [ -f "$place" ] && [ "$(cat "$place")" = "$checkout" ] &&
        "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
        python=$(find_python "$max_minor") || exit 1
        need_venv "$python"
        "$python" -m venv --clear "$venv" || fail "could not make a virtual environment in $venv"
        printf '%s\n' "$checkout" >"$place"
    elif [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return 0
    fi
    rm -f "$stamp"
    "$venv/bin/python" -m pip install --disable-pip-version-check "$@" -e "$checkout$extras" ||
        fail "pip could not install edgeiqa$extras; its message is above." \
            "It needs the network (or a package index that PIP_INDEX_URL names)."
    printf '%s\n' "$wanted" >"$stamp"
}
