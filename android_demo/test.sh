#!/usr/bin/env bash
# Builds everything and runs all tests on the JVM: the library with the golden vectors and the real
# networks, the app under Robolectric. Writes build/jvm.json (one row of the table of platforms; with
# EDGEIQA_REPORTS=FOLDER into that folder) and build/screenshots.
# Usage: android_demo/test.sh [core|app]
# PYTHON: an interpreter with ai-edge-litert, whose libLiteRt.so is used; or LITERT: the path of one.
set -euo pipefail
# shellcheck source=tools/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools/common.sh"

what=${1:-all}
case $what in
all | core | app) ;;
*) die "unknown argument $what; expected core, app or nothing" ;;
esac
fetch
mkdir -p "$BUILD"
build_core
build_testing
if [ "$what" != app ]; then
    build_tests core "-Xfriend-paths=$BUILD/edgeiqa-core.jar" ""
    say "Testing core ..."
    # shellcheck disable=SC2046 # one word a class
    run_tests "" $(test_classes core)
fi
if [ "$what" != core ]; then
    need aapt
    build_app
    mkdir -p "$BUILD/app-test/com/android/tools"
    cp -r "$DEMO/app/src/test/resources/." "$BUILD/app-test/"
    printf 'android_merged_manifest=%s\nandroid_resource_apk=%s\nandroid_merged_assets=%s\nandroid_custom_package=%s\n' \
        "$BUILD/generated/AndroidManifest.xml" "$BUILD/resources.ap_" "$BUILD/assets" org.edgeiqa.demo \
        >"$BUILD/app-test/com/android/tools/test_config.properties"
    mkdir -p "$BUILD/androidx-test"
    find "$DEMO/testing/src/main/java" -name '*.java' -print0 |
        xargs -0 javac -source 8 -target 8 -Xlint:-options -cp "$API_MIN" -d "$BUILD/androidx-test"
    lite=$LIB/tensorflow-lite-2.16.1/classes.jar:$LIB/tensorflow-lite-api-2.16.1/classes.jar
    robolectric=$(classpath robolectric annotations-4 junit-4.16 sandbox shadow resources pluginapi plugins utils \
        nativeruntime asm auto-value bcprov guava failureaccess icu4j javax conscrypt snakeyaml sqlite4java \
        error_prone jspecify)
    build_tests app "-Xfriend-paths=$BUILD/app.jar" \
        "$BUILD/app.jar:$BUILD/generated/r:$lite:$API_MIN:$robolectric"
    say "Testing the app under Robolectric ..."
    # The newest Android is last: on an older one, Robolectric asks for classes that it does not have.
    # shellcheck disable=SC2046
    run_tests "$BUILD/app-test:$BUILD/app.jar:$BUILD/generated/r:$lite:$robolectric:$BUILD/androidx-test:$API_NEW" $(test_classes app)
fi
