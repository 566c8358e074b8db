# Shared by build.sh, test.sh and benchmark.sh; to be sourced, after `set -euo pipefail`.
# shellcheck shell=bash

DEMO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ROOT=$(dirname "$DEMO")
BUILD=$DEMO/build
CACHE=${EDGEIQA_ANDROID_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/edgeiqa-android}
LIB=$CACHE/lib
FRAMEWORKS=$CACHE/frameworks
MIN_SDK=24
TARGET_SDK=36
API_MIN=$FRAMEWORKS/android-all-7.0.0_r1-robolectric-r1.jar
API_NEW=$FRAMEWORKS/android-all-instrumented-15-robolectric-13954326-i7.jar

# say TEXT...: a line about what is going on.
say() { printf '%s\n' "$*" >&2; }

# die TEXT...: ends with a reason.
die() {
    say "android_demo: $*"
    exit 1
}

# need PROGRAM PACKAGE: ends if a program is missing.
need() {
    command -v "$1" >/dev/null 2>&1 ||
        die "$1 is not installed; on Debian: apt-get install $(tr '\n' ' ' <"$DEMO/packages.txt")"
}

# Fetches what tools/pom.xml names from Maven Central, once, and checks every file.
fetch() {
    need java
    local stamp=$CACHE/stamp wanted
    wanted=$(cat "$DEMO/tools/pom.xml" "$DEMO/tools/checksums.sha256" | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
    need mvn
    say "Fetching compiler, Android and test libraries from Maven Central (about 650 MB, once) ..."
    rm -rf "$CACHE"
    mkdir -p "$LIB" "$FRAMEWORKS"
    local log=$CACHE/mvn.log
    (cd "$DEMO/tools" && mvn -B dependency:copy-dependencies "-DoutputDirectory=$LIB" &&
        mvn -B dependency:copy "-DoutputDirectory=$FRAMEWORKS") >"$log" 2>&1 ||
        { grep -m3 ERROR "$log" >&2; die "Maven failed; all of its output is in $log"; }
    (cd "$CACHE" && sha256sum --quiet --strict -c "$DEMO/tools/checksums.sha256") >&2 ||
        die "a file from Maven Central is not the one that was pinned"
    for aar in "$LIB"/*.aar; do
        mkdir -p "${aar%.aar}"
        unzip -qo "$aar" -d "${aar%.aar}"
    done
    printf '%s\n' "$wanted" >"$stamp"
}

# classpath NAME...: the jars whose names begin so, joined with colons.
classpath() {
    local name jar all=
    for name; do
        for jar in "$LIB/$name"*.jar; do
            [ -e "$jar" ] || die "no $name in $LIB; delete that folder and try again"
            all=$all:$jar
        done
    done
    printf '%s' "${all#:}"
}

# kotlinc OUT CLASSPATH OPTION|SOURCE...: compiles Kotlin into a jar.
kotlinc() {
    local out=$1 path=$2
    shift 2
    java -Xss4m -cp "$(classpath kotlin-compiler-embeddable kotlin-stdlib kotlin-script-runtime \
        kotlin-reflect kotlin-daemon-embeddable kotlinx-coroutines annotations-13)" \
        org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -jvm-target 1.8 \
        -Werror -cp "$(classpath kotlin-stdlib)${path:+:$path}" -d "$out" "$@"
}

# fresh OUT INPUT...: whether OUT is newer than all inputs, files or folders.
fresh() {
    local out=$1
    shift
    [ -e "$out" ] && [ -z "$(find "$@" "$DEMO/tools" -newer "$out" -print -quit)" ]
}

# The folder of models in the Python package.
models() {
    local folder
    for folder in "$ROOT/edgeiqa/assets/models" "$ROOT/edgeiqa/models"; do
        [ ! -e "$folder/base.tflite" ] || { printf '%s' "$folder"; return; }
    done
    die "no base.tflite in edgeiqa/assets/models or edgeiqa/models of $ROOT"
}

# archive OUT FOLDER [ZIP OPTION...]: a ZIP that is the same for the same files, sorted by name.
archive() {
    local out=$1 folder=$2
    shift 2
    rm -f "$out"
    find "$folder" -exec touch -h -d '1980-01-01 00:00:00 UTC' {} +
    (cd "$folder" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort | TZ=UTC zip -q -X -D "$@" "$out" -@)
}

# build_core: build/edgeiqa-core.jar, the library.
build_core() {
    local out=$BUILD/edgeiqa-core.jar
    ! fresh "$out" "$DEMO/core/src/main" || return 0
    say "Compiling core ..."
    kotlinc "$BUILD/core.tmp.jar" "" -Xexplicit-api=strict -Xjdk-release=8 -module-name edgeiqa-core \
        "$DEMO/core/src/main/kotlin"
    rm -rf "$BUILD/core"
    mkdir -p "$BUILD/core"
    unzip -qo "$BUILD/core.tmp.jar" -d "$BUILD/core"
    cp "$ROOT/LICENSE" "$ROOT/NOTICE" "$BUILD/core/META-INF/"
    archive "$out" "$BUILD/core"
    rm -f "$BUILD/core.tmp.jar"
}

# build_app: build/resources.ap_ and build/dex/classes.dex, and the classes for tests.
build_app() {
    local app=$DEMO/app/src/main generated=$BUILD/generated
    local lite=$LIB/tensorflow-lite-2.16.1/classes.jar:$LIB/tensorflow-lite-api-2.16.1/classes.jar
    ! fresh "$BUILD/dex/classes.dex" "$app" "$BUILD/edgeiqa-core.jar" "$(models)" "$ROOT/NOTICE" || return 0
    say "Compiling the app ..."
    rm -rf "$generated" "$BUILD/dex"
    mkdir -p "$generated/r" "$BUILD/dex"
    rm -rf "$BUILD/assets"
    mkdir -p "$BUILD/assets"
    cp "$(models)/base.tflite" "$(models)/causes/causes.tflite" "$ROOT/NOTICE" "$BUILD/assets/"
    sed 's,<manifest ,<manifest package="org.edgeiqa.demo" ,' "$app/AndroidManifest.xml" >"$generated/AndroidManifest.xml"
    aapt package -f -m -M "$generated/AndroidManifest.xml" -S "$app/res" -A "$BUILD/assets" -0 tflite -J "$generated" \
        -I /usr/share/android-framework-res/framework-res.apk -F "$BUILD/resources.ap_" \
        --min-sdk-version "$MIN_SDK" --target-sdk-version "$TARGET_SDK" \
        --version-code 1 --version-name 1.0
    javac -source 8 -target 8 -Xlint:-options -d "$generated/r" "$generated/org/edgeiqa/demo/R.java"
    # Against the oldest Android that the app runs on: it cannot call anything newer.
    kotlinc "$BUILD/app.jar" "$BUILD/edgeiqa-core.jar:$generated/r:$lite:$API_MIN" -module-name edgeiqa-app \
        "$app/kotlin"
    java -cp "$(classpath r8)" com.android.tools.r8.D8 --release --min-api "$MIN_SDK" --lib "$API_MIN" \
        --output "$BUILD/dex" "$BUILD/app.jar" "$BUILD/edgeiqa-core.jar" "$(classpath kotlin-stdlib)" \
        "$LIB/tensorflow-lite-2.16.1/classes.jar" "$LIB/tensorflow-lite-api-2.16.1/classes.jar" \
        "$generated"/r/org/edgeiqa/demo/*.class
}

# build_testing: build/testing.jar, LiteRT for the JVM and sample pictures, for tests and benchmark.
build_testing() {
    local out=$BUILD/testing.jar
    ! fresh "$out" "$DEMO/testing" "$BUILD/edgeiqa-core.jar" || return 0
    kotlinc "$out" "$BUILD/edgeiqa-core.jar:$(classpath jna)" -module-name testing "$DEMO/testing/src/main/kotlin"
}

# build_tests MODULE OPTION CLASSPATH: build/MODULE-tests.jar.
build_tests() {
    local out=$BUILD/$1-tests.jar
    ! fresh "$out" "$DEMO/$1/src/test" "$BUILD/testing.jar" "$BUILD/edgeiqa-core.jar" || return 0
    say "Compiling the tests of $1 ..."
    kotlinc "$out" "$BUILD/edgeiqa-core.jar:$BUILD/testing.jar:$(classpath junit-4.13)${3:+:$3}" \
        -module-name "$1-tests" "$2" "$DEMO/$1/src/test/kotlin"
}

# test_classes MODULE: the names of all test classes.
test_classes() {
    (cd "$DEMO/$1/src/test/kotlin" && find . -name '*Test.kt' | sed 's,^\./,,; s,\.kt$,,; y,/,.,' | LC_ALL=C sort)
}

# The C library of LiteRT, in the Python environment that is asked.
litert() {
    if [ -n "${LITERT:-}" ]; then
        printf '%s' "$LITERT"
        return
    fi
    "${PYTHON:-python3}" -c 'import importlib.util, os
spec = importlib.util.find_spec("ai_edge_litert")
assert spec and spec.origin
print(os.path.join(os.path.dirname(spec.origin), "libLiteRt.so"), end="")' 2>/dev/null ||
        die "no ai-edge-litert in ${PYTHON:-python3}; set PYTHON to one that has it, or LITERT to libLiteRt.so"
}

# on_jvm CLASSPATH CLASS ARGUMENT...: runs a class with all that tests and benchmark look for.
on_jvm() {
    local path=$1 library
    shift
    library=$(litert)
    # Android's own classes reach into Java's, which Robolectric runs them on.
    java -Xmx2g --add-opens=java.base/java.io=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED \
        --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED \
        --add-opens=java.base/java.util=ALL-UNNAMED "-Dedgeiqa.litert=$library" "-Dedgeiqa.models=$(models)" "-Dedgeiqa.samples=$(models)/../samples" \
        "-Dedgeiqa.vectors=${EDGEIQA_VECTORS:-$ROOT/tests/golden/vectors}" \
        "-Dedgeiqa.moments=${EDGEIQA_MOMENTS:-}" "-Dedgeiqa.report=${EDGEIQA_REPORTS:-$BUILD}/jvm.json" "-Dedgeiqa.screenshots=$BUILD/screenshots" \
        -Drobolectric.offline=true "-Drobolectric.dependency.dir=$FRAMEWORKS" \
        -cp "$BUILD/edgeiqa-core.jar:$BUILD/testing.jar:$(classpath jna kotlin-stdlib annotations-13)${path:+:$path}" "$@"
}

# run_tests CLASSPATH CLASS...: runs JUnit.
run_tests() {
    local path=$1
    shift
    on_jvm "$BUILD/core-tests.jar:$BUILD/app-tests.jar:$(classpath junit-4.13 hamcrest)${path:+:$path}" \
        org.junit.runner.JUnitCore "$@" 2> >(grep -v -e 'INFO: ' -e 'WARNING: \[' >&2)
}
