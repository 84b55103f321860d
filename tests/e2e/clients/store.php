<?php
// Stores keys as a PHP application would: store.php CLIENT HOST:PORT:WEIGHT..., keys on stdin.

error_reporting(E_ALL & ~E_DEPRECATED);

const OPTIONS = [
    "memcached" => [],
    "memcached-prefix" => [Memcached::OPT_PREFIX_KEY => "app:"],
    "memcached-consistent" => [Memcached::OPT_DISTRIBUTION => Memcached::DISTRIBUTION_CONSISTENT],
    "memcached-ketama" => [Memcached::OPT_LIBKETAMA_COMPATIBLE => true],
];

function client(string $way, bool $binary): Memcached|Memcache
{
    if ($way === "memcache") {
        return new Memcache();
    }
    $client = new Memcached();
    foreach (OPTIONS[$way] as $option => $value) {
        $client->setOption($option, $value);
    }
    $client->setOption(Memcached::OPT_BINARY_PROTOCOL, $binary);
    return $client;
}

[, $way] = $argv;
// The text protocol is refused to keys that are no ASCII.
$clients = [client($way, false), client($way, true)];
foreach (array_slice($argv, 2) as $server) {
    [$host, $port, $weight] = explode(":", $server);
    foreach ($clients as $client) {
        if ($way === "memcache") {
            $client->addServer($host, (int) $port, false, (int) $weight);
        } else {
            $client->addServer($host, (int) $port, (int) $weight);
        }
    }
}
while (($line = fgets(STDIN)) !== false) {
    $key = rtrim($line, "\n");
    $client = $clients[preg_match('/[^\x21-\x7e]/', $key)];
    if (!$client->set($key, "1")) {
        fwrite(STDERR, "$key was not stored\n");
        exit(1);
    }
}
