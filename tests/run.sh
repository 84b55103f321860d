#!/bin/sh
# Runs everything: sh tests/run.sh
#
# Installs what is missing, builds with gcc and clang, and runs the lint, the unit tests (plain and
# with sanitizers), the fuzz targets, the story of packaging/try.sh and the end-to-end tests. The
# last line is `N passed, N failed`; the exit code is 1 when anything failed or could not run. What
# each step said is in build/log/. FUZZ_SECONDS is the time of a fuzz target, 10 by default.
set -u
cd "$(dirname "$0")/.." || exit 1

python=/usr/bin/python3
log=build/log
jobs=$(nproc)
passed=0
failed=0
began=$(date +%s)

# A step's name is its log's.
say() {
    printf '%-20s %4s s  %s\n' "$name" "$(($(date +%s) - step_began))" "$*"
}

run() {
    name=$1
    shift
    step_began=$(date +%s)
    "$@" >"$log/$name" 2>&1 </dev/null
}

# What went wrong stands at the end of what a step said; of two compilers at once, further up.
show_tail() {
    grep -A5 'error: ' "$log/$name" | head -n 40 | sed 's/^/    | /'
    tail -n "${1:-40}" "$log/$name" | sed 's/^/    | /'
}

count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

# A number before a word in what the step said last: `number_of passed`; 0 when it is not there.
number_of() {
    number=$(tail -n 5 "$log/$name" | grep -oE "[0-9]+ $1" | tail -n 1)
    echo "${number%% *}" | grep . || echo 0
}

# A step that must succeed, and is counted only when it does not.
must() {
    if run "$@"; then
        say ok
        return 0
    fi
    count 0 1
    say FAILED
    show_tail
    return 1
}

# A step that is one test.
one() {
    must "$@" && count 1 0
}

# A step that ends with `N passed, M failed` in some form. One that fails, or found nothing to run,
# without saying how many failed, is a failure itself.
many() {
    run "$@"
    status=$?
    good=$(number_of passed)
    bad=$(($(number_of failed) + $(number_of errors?)))
    if [ $bad = 0 ] && { [ $status != 0 ] || [ "$good" = 0 ]; }; then
        bad=1
    fi
    count "$good" "$bad"
    say "$good passed, $bad failed"
    [ $bad = 0 ] || show_tail 200
}

build() {
    cmake --preset "$@" && cmake --build --preset "$1" --parallel "$jobs"
}

# ctest says `97% tests passed, 1 tests failed out of 34`, and that is turned into our words.
unit_tests() {
    ctest --test-dir "build/$1" --output-on-failure --no-tests=error --parallel "$jobs"
    status=$?
    sed -n 's/.* \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$log/$name" | {
        read -r bad all && echo "$((all - bad)) passed, $bad failed"
    }
    return $status
}

# Four at a time, on any machine: most of their time is spent waiting for servers.
end_to_end() {
    binary=$PWD/build/$1/cdcd
    shift
    folder=$(mktemp -d) || return 1
    CDCD=$binary $python -m pytest -q -p no:cacheprovider -n 4 --basetemp="$folder/t" "$@" tests/e2e
    status=$?
    rm -rf "$folder"
    return $status
}

# What a target finds stays in build/fuzz/, for the next run to begin with.
fuzz() {
    subject=$1
    found=build/fuzz/$subject
    seeds=tests/fuzz/corpus/$subject
    mkdir -p "$found"
    [ -d "$seeds" ] || seeds=
    "build/clang/tests/fuzz_$subject" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 \
        -rss_limit_mb=1024 -artifact_prefix="build/fuzz/$subject-" -verbosity=0 \
        -print_final_stats=1 "$found" ${seeds:+"$seeds"}
}

mkdir -p $log
name=depend step_began=$began
sh packaging/depend.sh build servers tests || exit 1

many lint $python tests/lint/lint.py
must build-release build release -DBUILD_TESTING=OFF
must build-debug build debug && many unit-debug unit_tests debug
must build-asan build asan && many unit-asan unit_tests asan
if must build-clang build clang; then
    for source in tests/fuzz/fuzz_*.c; do
        subject=$(basename "$source" .c)
        one "$subject" fuzz "${subject#fuzz_}"
    done
fi
one try sh packaging/try.sh --once
many e2e end_to_end release
many e2e-asan end_to_end asan -m smoke

echo "all of it in $(($(date +%s) - began)) s"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
