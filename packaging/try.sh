#!/bin/sh
# Shows cdcd at work on private servers: sh packaging/try.sh [--once]
#
# Installs what is missing, builds, starts PostgreSQL, Redis and memcached on unix sockets in a
# temporary folder, and tells a story of rows that change and keys that go. Then all of it stays,
# for you to try, until Ctrl-C. With --once it ends after the story, with the exit code 1 if a step
# did not come as expected. Nothing is left behind but the packages and build/.
set -eu
cd "$(dirname "$0")/.."

case "$*" in
'' | --once) ;;
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' packaging/try.sh
    exit 0
    ;;
*)
    echo 'usage: sh packaging/try.sh [--once]' >&2
    exit 64
    ;;
esac

sh packaging/depend.sh build servers
mkdir -p build
log=build/try.log
echo 'building cdcd'
if ! { cmake --preset release -DBUILD_TESTING=OFF &&
    cmake --build --preset release --parallel "$(nproc)"; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "try.sh: cdcd cannot be built; all of it is in $log" >&2
    exit 1
fi
# Debian's own Python: the clients of PostgreSQL and Redis are installed for that one.
CDCD=$PWD/build/release/cdcd exec /usr/bin/python3 packaging/try/story.py "$@"
