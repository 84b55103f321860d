<?php
// Laravel's cache: a key, and an entry that is filed under tags.
require 'serve.php';
foreach (['Cache', 'Redis'] as $part) {
    require "/usr/share/php/Illuminate/$part/autoload.php";
}

use Illuminate\Cache\{MemcachedStore, RedisStore, Repository};
use Illuminate\Redis\RedisManager;

const PREFIX = 'laravel_cache';

function redis_store(): RedisStore
{
    $server = ['host' => getenv('REDIS'), 'port' => 0, 'database' => 0];
    $options = ['prefix' => 'laravel_database_'];
    $manager = new RedisManager(null, 'phpredis', ['default' => $server, 'options' => $options]);
    return new RedisStore($manager, PREFIX);
}

$cache = new Repository(getenv('REDIS') ? redis_store() : new MemcachedStore(memcached(), PREFIX));

function name(string $id): string
{
    return read('SELECT name FROM products WHERE id = $1', $id);
}

serve(fn (string $what, string $id) => match ($what) {
    'sets' => class_exists(Illuminate\Cache\RedisTagSet::class),
    'product' => $cache->remember("product:$id", 3600, fn () => made($what, name($id))),
    'tagged' => $cache->tags(['products', "product:$id"])
        ->remember("page:$id", 3600, fn () => made($what, name($id))),
});
