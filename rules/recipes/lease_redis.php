<?php
// A lease that a change takes away (rules: lease_redis.cfg). See lease_redis.py.

function cached(Redis $redis, string $key, callable $load, int $ttl = 3600, int $lease = 10): string
{
    static $fill = null;
    $fill ??= file_get_contents(__DIR__ . '/lease_redis.lua');
    $value = $redis->get($key);
    if ($value !== false) {
        return $value;
    }
    $token = bin2hex(random_bytes(16));
    $mine = $redis->set("$key:lease", $token, ['nx', 'ex' => $lease]);
    $value = $load();
    if ($mine) { // the others have read the database for themselves alone
        $redis->eval($fill, [$key, "$key:lease", $token, $value, $ttl], 2);
    }
    return $value;
}
