#!/bin/sh
# Tries the README's two commands on a Debian with nothing else on it: sh tests/fresh.sh SUITE
#
# SUITE is bookworm or trixie. Makes a minimal system in a temporary folder with debootstrap (root
# is needed), puts a clone of HEAD there, and runs `packaging/try.sh --once` and `tests/run.sh` in
# it as root. Each must succeed, and leave neither processes nor temporary files. Needs about 3 GB
# in ${TMPDIR:-/tmp}, and a quarter of an hour.
set -eu
cd "$(dirname "$0")/.."

die() {
    echo "fresh.sh: $*" >&2
    exit 1
}

# Where this machine has its own Debian packages from.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
        grep -v security | head -n 1
}

# Processes of the system end with their namespace, and its mounts go with it.
inside() {
    unshare --mount --pid --fork --kill-child sh -eu -c '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mkdir -p "$root/dev/shm"
        mount -t tmpfs tmpfs "$root/dev/shm"
        chroot "$root" env -i PATH="$PATH" HOME=/root LC_ALL=C.UTF-8 sh -eu -c "$@"
        ' inside "$root" "$@"
}

# The last command inside: what a command left running (all but the shells that ran it), and what
# it left in /tmp.
left='
    for process in /proc/[0-9]*; do
        name=$(cat "$process/comm" 2>/dev/null) || continue
        case $name in sh | env | cat) ;; *) echo "left running: $name" ;; esac
    done
    ls -A /tmp | sed "s#^#left in /tmp: #"
    ls -d /usr/sbin/policy-rc.d /etc/postgresql/*/* 2>/dev/null | sed "s#^#left: #"
'

try() {
    printf '\n== %s: %s\n' "$suite" "$1"
    began=$(date +%s)
    code=0
    inside "cd /src && $1 || echo \"exit code \$?\" >/failed; { $left } >/left" || code=$?
    if [ -e "$root/failed" ]; then
        code=1
        cat "$root/failed"
        rm "$root/failed"
    fi
    if [ -s "$root/left" ]; then
        code=1
        cat "$root/left"
    fi
    [ "$code" = 0 ] || bad="$bad, $1"
    echo "== $(($(date +%s) - began)) s"
}

suite=${1-}
case $suite in
bookworm | trixie) ;;
*) die 'which suite? bookworm or trixie' ;;
esac
[ "$(id -u)" = 0 ] || die 'must be root, for debootstrap and chroot'
command -v debootstrap >/dev/null || die 'debootstrap is missing: apt-get install debootstrap'

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/root
bad=

echo "making a minimal $suite"
debootstrap --variant=minbase "$suite" "$root" "$(mirror)" >"$work/log" 2>&1 ||
    die "debootstrap failed: $(tail -n 5 "$work/log")"
git clone -q . "$root/src"

try 'sh packaging/try.sh --once'
try 'sh tests/run.sh'
[ -z "$bad" ] || die "failed on $suite: ${bad#, }"
echo "both commands succeed on $suite"
