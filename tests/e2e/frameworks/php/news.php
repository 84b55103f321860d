<?php
// A news site with keys of its own making: the list of all, an item, a category.
require 'serve.php';

$store = getenv('REDIS') ? redis() : memcached();

function cached(string $key, callable $make)
{
    global $store;
    $found = $store->get($key);
    if ($found === false) {
        $found = made($key, $make());
        $store->set($key, $found, 3600);
    }
    return $found;
}

const TITLES = "SELECT string_agg(titulo, ', ' ORDER BY id) FROM noticia";

serve(fn (string $what, string $id = '') => match ($what) {
    'all' => cached('noticias', fn () => read(TITLES)),
    'item' => cached("noticia_$id", fn () => read('SELECT titulo FROM noticia WHERE id = $1', $id)),
    'category' => cached("noticia_categoria_$id",
        fn () => read(TITLES . ' WHERE categoria_id = $1', $id)),
});
