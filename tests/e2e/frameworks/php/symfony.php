<?php
// Symfony's cache: an item, and one that has tags. A pool is made for each line, as for each
// request: it remembers the versions of tags for a while.
require 'serve.php';
require '/usr/share/php/Symfony/Component/Cache/autoload.php';
// Holds a class that Debian 13's autoload does not know.
$wrapper = '/usr/share/php/Symfony/Component/Cache/Traits/ValueWrapper.php';
if (is_file($wrapper)) {
    require_once $wrapper;
}

use Symfony\Component\Cache\Adapter\{MemcachedAdapter, RedisAdapter, TagAwareAdapter};
use Symfony\Contracts\Cache\ItemInterface;

// In memcached a pool puts a version of its own into each key; VERSIONING=0 keeps it out.
function pool()
{
    if (getenv('REDIS')) {
        return new RedisAdapter(redis(), 'shop');
    }
    $client = MemcachedAdapter::createConnection('memcached://' . getenv('MEMCACHED'));
    $pool = new MemcachedAdapter($client, 'shop');
    $pool->enableVersioning(getenv('VERSIONING') !== '0');
    return $pool;
}

function name(string $id): string
{
    return read('SELECT name FROM products WHERE id = $1', $id);
}

function tagged(ItemInterface $item, string $id): string
{
    $item->tag(['products', "product-$id"]);
    return made('tagged', name($id));
}

serve(fn (string $what, string $id = '') => match ($what) {
    'clear' => pool()->clear(),
    'product' => pool()->get("product.$id", fn () => made($what, name($id))),
    'tagged' => (new TagAwareAdapter(pool()))
        ->get("page.$id", fn (ItemInterface $item) => tagged($item, $id)),
});
