<?php
// A lease in memcached with the commands that every client has: add, gets and cas (rules:
// lease_memcached.cfg, which deletes; the rules that mark need the meta commands, see
// lease_memcached.py). What holds the place of a value begins with a byte that no value does.

const LEASE = "\0lease";

function cached(Memcached $memcached, string $key, callable $load, int $ttl = 3600, int $lease = 30): string
{
    $value = $memcached->get($key);
    if ($value !== false && $value !== LEASE) {
        return $value;
    }
    $found = false;
    if ($value === false && $memcached->add($key, LEASE, $lease)) {
        $found = $memcached->get($key, null, Memcached::GET_EXTENDED);
    }
    $value = $load();
    if ($found && $found['value'] === LEASE) { // a change deletes the place: cas is refused then
        $memcached->cas($found['cas'], $key, $value, $ttl);
    }
    return $value;
}
