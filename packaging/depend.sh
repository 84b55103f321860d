#!/bin/sh
# Installs what is missing on Debian 12 or 13: sh packaging/depend.sh GROUP...
#
#   build     compiler and libraries
#   servers   PostgreSQL, Redis, memcached, and Python to speak to them
#   tests     what the tests need besides: tools, and frameworks that cache
#
# Says what it installs; does and says nothing when all is there. As root, or through sudo. The
# servers come without running: no PostgreSQL cluster is made, and none of the others is started, now
# or at boot.
set -eu

# Recommended packages are left out, so libc6-dev, which gcc only recommends, is named here.
build='gcc libc6-dev cmake make pkg-config libpq-dev libevent-dev libhiredis-dev libconfig-dev
       libssl-dev uthash-dev libhttp-parser-dev'
servers='postgresql redis-server memcached python3 python3-psycopg2 python3-redis'
tests='openssl libcmocka-dev clang libclang-rt-dev clang-format python3-pytest python3-pytest-xdist
       python3-django python3-django-redis python3-pymemcache python3-memcache python3-pylibmc
       python3-greenlet
       ruby-actionpack ruby-activerecord ruby-pg ruby-dalli ruby-redis
       php-cli php-memcached php-memcache php-redis php-pgsql
       php-illuminate-cache php-illuminate-redis php-symfony-cache nodejs
       varnish varnish-modules nginx libnginx-mod-http-cache-purge'

no_cluster=/etc/postgresql-common/createcluster.d/zz-cdcd.conf
no_start=/usr/sbin/policy-rc.d

die() {
    echo "depend.sh: $*" >&2
    exit 1
}

packages_of() {
    for group in "$@"; do
        case $group in
        build) echo "$build" ;;
        servers) echo "$servers" ;;
        tests) echo "$tests" ;;
        *) die "no such group: $group; there are build, servers, tests" ;;
        esac
    done
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
    for package in "$@"; do
        is_installed "$package" || echo "$package"
    done | sort -u
}

# Until allow_servers, no package that is installed makes a cluster or starts a service. A
# policy-rc.d that is there already is the administrator's, and stays.
hold_servers() {
    mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' >"$no_cluster"
    if [ ! -e "$no_start" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$no_start"
        chmod 755 "$no_start"
        own_no_start=yes
    fi
}

allow_servers() {
    rm -f "$no_cluster"
    if [ "$own_no_start" = yes ]; then
        rm -f "$no_start"
    fi
    # Gone unless postgresql-common, whose folders they are, was there or came.
    rmdir -p --ignore-fail-on-non-empty "${no_cluster%/*}" 2>/dev/null || true
}

install() {
    own_no_start=no
    log=$(mktemp)
    trap 'allow_servers; rm -f "$log"' EXIT
    trap 'exit 1' HUP INT TERM
    hold_servers
    export DEBIAN_FRONTEND=noninteractive
    quietly apt-get -q update
    # shellcheck disable=SC2086 # a list of words
    quietly apt-get -q -y -o DPkg::Lock::Timeout=120 --no-install-recommends install $missing
    for unit in redis-server memcached varnish nginx; do
        case " $missing " in *" $unit "*) disable_at_boot "$unit" ;; esac
    done
    # It comes with varnish, whose log it writes.
    case " $missing " in *" varnish "*) disable_at_boot varnishncsa ;; esac
}

# What it writes is shown only when it fails.
quietly() {
    "$@" >"$log" 2>&1 && return
    tail -n 40 "$log" >&2
    die "failed: $*"
}

disable_at_boot() {
    if command -v systemctl >/dev/null; then
        systemctl --quiet disable "$1" || true
    fi
}

[ $# -gt 0 ] || die "which group? build, servers, tests"
command -v apt-get >/dev/null ||
    die "this installs with apt-get, which is not here; see the lists at its top"
packages=$(packages_of "$@")
# shellcheck disable=SC2086 # a list of words
missing=$(missing_of $packages | tr '\n' ' ')
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
        die "not root, and no sudo; as root: apt-get install $missing"
    exec sudo sh "$0" "$@"
fi
echo "installing: $missing"
install
