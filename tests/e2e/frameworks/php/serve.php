<?php
// What the programs of this folder share: a database, a store, and lines in and out.

$made = [];

function made(string $what, $value)
{
    global $made;
    $made[] = $what;
    return $value;
}

function read(string $query, ...$parameters)
{
    static $database = null;
    $database ??= pg_connect(sprintf(
        'host=%s dbname=%s user=postgres', getenv('DATABASE_HOST'), getenv('DATABASE_NAME')));
    return pg_fetch_result(pg_query_params($database, $query, $parameters), 0, 0);
}

function redis(): Redis
{
    $redis = new Redis();
    $redis->connect(getenv('REDIS'));
    return $redis;
}

function memcached(): Memcached
{
    $memcached = new Memcached();
    $memcached->setOption(Memcached::OPT_LIBKETAMA_COMPATIBLE, getenv('KETAMA') === '1');
    $memcached->setOption(Memcached::OPT_PREFIX_KEY, getenv('PREFIX') ?: '');
    $memcached->addServer(getenv('MEMCACHED'), 0);
    return $memcached;
}

// Answers each line `WHAT ID` with what the function gives, and what was made for it.
function serve(callable $answer): void
{
    global $made;
    while (($line = fgets(STDIN)) !== false) {
        $made = [];
        $text = $answer(...explode(' ', trim($line)));
        echo json_encode(['text' => $text, 'made' => $made]), "\n";
    }
}
