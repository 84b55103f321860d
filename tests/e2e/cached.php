<?php
// Reads keys through a recipe: RECIPE SOCKET, then lines. "begin ID KEY" begins to read; where the recipe asks the
// database, "load" is printed, and "answer ID VALUE" goes on. Several can be under way.
[, $recipe, $socket] = $argv;
require $recipe;
if (str_contains($recipe, 'memcached')) {
    $client = new Memcached();
    $client->addServer($socket, 0);
} else {
    $client = new Redis();
    $client->connect($socket);
}
$fibers = [];
while (($line = fgets(STDIN)) !== false) {
    [$word, $id, $text] = explode(' ', rtrim($line, "\n"), 3);
    if ($word === 'begin') {
        $fibers[$id] = new Fiber(fn () => cached($client, $text, fn () => Fiber::suspend()));
        $fibers[$id]->start();
    } else {
        $fibers[$id]->resume($text);
    }
    if ($fibers[$id]->isTerminated()) {
        echo 'value ', $fibers[$id]->getReturn(), "\n";
        unset($fibers[$id]);
    } else {
        echo "load\n";
    }
}
