<?php
// A version that is read before the database (rules: versions.cfg). See versions.py.

function cached(Redis $redis, string $key, callable $load, int $ttl = 3600): string
{
    $version = $redis->get("$key:version");
    if ($version === false) {
        // Never counted from 1: a version that was evicted would come back, and old values with it.
        [$seconds, $microseconds] = $redis->time();
        $now = $seconds * 1000000 + $microseconds;
        $redis->set("$key:version", (string) $now, ['nx']);
        $version = $redis->get("$key:version");
    }
    if ($version === false) { // it went at once: a name without it would serve what was written there before
        return $load();
    }
    $value = $redis->get("$key:$version");
    if ($value === false) {
        $value = $load(); // after the version was read, never before
        $redis->set("$key:$version", $value, $ttl);
    }
    return $value;
}
