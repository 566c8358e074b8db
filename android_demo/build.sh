#!/usr/bin/env bash
# Builds the library and the app without Gradle: build/edgeiqa-core.jar and build/edgeiqa-VARIANT.apk.
# Usage: android_demo/build.sh [--variant debug|release]
# A second run changes nothing. Compiler, Android and TensorFlow Lite come from Maven Central, aapt,
# zipalign and apksigner from the system: packages.txt lists Debian's packages.
set -euo pipefail
# shellcheck source=tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"
PATH=$PATH:/usr/sbin

variant=debug
while [ $# -gt 0 ]; do
    case $1 in
    --variant)
        variant=${2:-}
        shift
        ;;
    -h | --help)
        sed -n '2,5s/^# //p' "$0"
        exit 0
        ;;
    *) die "unknown argument $1; expected --variant debug or --variant release" ;;
    esac
    shift
done
case $variant in
debug | release) ;;
*) die "variant is '$variant', expected debug or release" ;;
esac

for program in aapt zipalign apksigner readelf unzip zip keytool; do need "$program"; done
fetch
mkdir -p "$BUILD"
build_core
build_app

# Signed with the debug key that Android Studio uses, too; made once, so that APKs stay the same.
keystore=${ANDROID_USER_HOME:-$HOME/.android}/debug.keystore
if [ ! -e "$keystore" ]; then
    mkdir -p "$(dirname "$keystore")"
    keytool -genkeypair -keystore "$keystore" -storetype PKCS12 -storepass android -keypass android \
        -alias androiddebugkey -keyalg RSA -keysize 2048 -validity 10950 \
        -dname 'CN=Android Debug,O=Android,C=US' 2>/dev/null
fi

echo "Native libraries of TensorFlow Lite, alignment of their LOAD segments:"
native=$LIB/tensorflow-lite-2.16.1/jni
stage=$BUILD/stage
rm -rf "$stage"
mkdir -p "$stage/lib"
shipped=
for abi in arm64-v8a armeabi-v7a x86_64; do
    [ -d "$native/$abi" ] || { echo "  $abi: not in the artefact"; continue; }
    # The smallest alignment of all LOAD segments. 64-bit Android may have pages of 16 KB, 32-bit not.
    align=$(readelf -lW "$native/$abi"/*.so | awk '$1 == "LOAD" {print $NF}' |
        while read -r hex; do echo "$((hex))"; done | sort -n | head -n 1)
    wanted=16384
    [ "$abi" != armeabi-v7a ] || wanted=4096
    ships=yes
    if [ "$variant" = release ] && [ "$align" -lt "$wanted" ]; then ships=no; fi
    printf '  %-12s %s: LOAD %d, needed %d; in this APK: %s\n' "$abi" "$(basename "$native/$abi"/*.so)" \
        "$align" "$wanted" "$ships"
    [ "$ships" = yes ] || continue
    shipped="$shipped $abi"
    mkdir -p "$stage/lib/$abi"
    cp "$native/$abi"/*.so "$stage/lib/$abi/"
done

unzip -qo "$BUILD/resources.ap_" -d "$stage"
cp "$BUILD/dex/classes.dex" "$stage/"

apk=$BUILD/edgeiqa-$variant.apk
archive "$BUILD/unaligned.apk" "$stage" -n .tflite:.so:.arsc:.png
zipalign -f -p 4 "$BUILD/unaligned.apk" "$BUILD/aligned.apk"
apksigner sign --ks "$keystore" --ks-pass pass:android --ks-key-alias androiddebugkey --min-sdk-version "$MIN_SDK" \
    --v1-signing-enabled false --v2-signing-enabled true --v3-signing-enabled true --v4-signing-enabled false \
    --out "$BUILD/signed.apk" "$BUILD/aligned.apk"
zipalign -c -p 4 "$BUILD/signed.apk" || die "the signed APK is not aligned"
apksigner verify --min-sdk-version "$MIN_SDK" "$BUILD/signed.apk" || die "the signature of the APK is not accepted"
rm -f "$BUILD/unaligned.apk" "$BUILD/aligned.apk"
if cmp -s "$BUILD/signed.apk" "$apk"; then
    rm "$BUILD/signed.apk"
    echo "Nothing has changed."
else
    mv "$BUILD/signed.apk" "$apk"
fi

echo
unzip -v "$apk" | awk 'NR > 3 && NF >= 8 && $1 ~ /^[0-9]+$/ {printf "%10d %-8s %s\n", $1, $2, $8}'
echo
for file in "$BUILD/edgeiqa-core.jar" "$apk"; do
    printf '%s: %d bytes, SHA-256 %s\n' "${file#"$ROOT/"}" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -c 1-16)"
done
[ "$variant" != release ] || echo "ABIs whose pages fit:${shipped:- none}; see README.md, \"Native libraries\"."
