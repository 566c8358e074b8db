#!/usr/bin/env bash
# Unpacks Debian packages of another architecture into a folder; needs no root and no chroot.
# Usage: root.sh FOLDER SUITE ARCHITECTURE PACKAGE...   for example: root.sh x bookworm arm64 libc6
#
# What the packages depend on comes too. apt-get downloads and checks signatures, with lists and a
# configuration of its own below FOLDER, so that the system's stay as they are; dpkg-deb unpacks.
# No script of a package is run. FOLDER is there whole or not at all.
# EDGEIQA_DEBIAN_MIRROR names the mirror; else that of the system's own sources is taken, if it
# is one of Debian, else http://deb.debian.org/debian.
set -euo pipefail

[ $# -ge 4 ] || {
    sed -n '3p' "$0" >&2
    exit 2
}
folder=$1 suite=$2 architecture=$3
shift 3

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 2
}

# The first http(s) address of Debian's main archive in the system's sources, in either format.
configured_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null | sed 's/#.*//' | tr ' \t' '\n\n' |
        grep -E '^https?://.*/debian(/|$)' | head -n 1 || true
}

keyring=
for candidate in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
    [ -e "$candidate" ] && keyring=$candidate
done
[ -n "$keyring" ] || fail "Debian's keys are missing: apt-get install debian-archive-keyring"

mirror=${EDGEIQA_DEBIAN_MIRROR:-$(configured_mirror)}
mirror=${mirror:-http://deb.debian.org/debian}
half=$folder.half.$$
trap 'rm -rf "$half"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$half"/{apt/lists/partial,apt/cache/archives/partial,tree}
half=$(cd "$half" && pwd)
: >"$half/apt/status"
printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$half/apt/sources.list"
{
    # How the system reaches mirrors (proxies, certificates), and nothing else of its settings.
    apt-config dump | grep -E '^Acquire::(http|https|Check-Valid-Until|Check-Date|Retries)\b' || true
    cat <<EOF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Dir::Cache "$half/apt/cache";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "$half/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$half/apt";
Dir::State::lists "$half/apt/lists";
Dir::State::status "$half/apt/status";
EOF
} >"$half/apt/apt.conf"
export APT_CONFIG=$half/apt/apt.conf

apt-get -qq update >"$half/log" 2>&1 || {
    cat "$half/log" >&2
    fail "Debian's mirror $mirror gave no $suite for $architecture; apt's message is above." \
        "It needs the network, or another mirror: EDGEIQA_DEBIAN_MIRROR=http://HOST/debian"
}
apt-get -qq install -y --no-install-recommends --download-only "$@" >"$half/log" 2>&1 || {
    cat "$half/log" >&2
    fail "could not download $* from $mirror; apt's message is above"
}
for package in "$half"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$half/tree"
done
[ -e "$half/tree/lib" ] || ln -s usr/lib "$half/tree/lib" # Since trixie all lies in /usr/lib.
rm -rf "$folder"
mv "$half/tree" "$folder"
