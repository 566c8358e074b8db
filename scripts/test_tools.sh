#!/bin/sh
# Installs the programs that some tests drive, from Debian's or Ubuntu's packages: an emulator of
# ARM, Chromium, an MQTT broker, systemd's checker of units, npm, and what builds Android's demo.
# Without them those tests are skipped, unless EDGEIQA_NEED_TOOLS is set, as it is in CI.
# Usage: scripts/test_tools.sh
set -eu

missing=
# need PROGRAM PACKAGE: notes the package of a program that is not there.
need() {
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
PATH=$PATH:/usr/sbin
need qemu-aarch64-static qemu-user-static
need flock util-linux
need chromium chromium
need openssl openssl
need mosquitto mosquitto
need systemd-analyze systemd
need npm npm
need aapt aapt
need apksigner apksigner
need javac openjdk-17-jdk-headless
need mvn maven
need readelf binutils
need unzip unzip
need zip zip
need zipalign zipalign
[ -e /usr/share/android-framework-res/framework-res.apk ] || missing="$missing android-framework-res"
# What is fetched for the emulated ARM is checked with Debian's keys.
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
    [ -e /usr/share/keyrings/debian-archive-keyring.pgp ] ||
    missing="$missing debian-archive-keyring"
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "Installing$missing ..." >&2
$as_root apt-get -qq update || true
# shellcheck disable=SC2086 # one word a package
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >&2
