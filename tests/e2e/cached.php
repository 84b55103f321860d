<?php
// Reads keys through a recipe: RECIPE SOCKET, then a key a line. Where the recipe asks the database, "load" is
// printed and the next line is the answer.
[, $recipe, $socket] = $argv;
require $recipe;
if (str_contains($recipe, 'memcached')) {
    $client = new Memcached();
    $client->addServer($socket, 0);
} else {
    $client = new Redis();
    $client->connect($socket);
}
$load = function (): string {
    echo "load\n";
    return rtrim(fgets(STDIN), "\n");
};
while (($key = fgets(STDIN)) !== false) {
    echo 'value ' . cached($client, rtrim($key, "\n"), $load) . "\n";
}
