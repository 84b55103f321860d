<?php
// The old value is served while one reader makes the new (rules: stale_redis.cfg). See stale_redis.py.

function cached(Redis $redis, string $key, callable $load, int $ttl = 3600): string
{
    $value = $redis->get($key);
    // DEL answers 1 to one reader alone. In a Cluster the companion is "{{$key}}:stale".
    if ($value === false || $redis->del("$key:stale")) {
        $value = $load();
        $redis->set($key, $value, $ttl);
    }
    return $value;
}
