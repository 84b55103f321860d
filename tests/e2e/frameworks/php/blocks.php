<?php
// A page of blocks for each user. While the semaphore is there nothing has changed, and the
// browser is told so; the one who finds it missing looks at each block, and sets it again.
require 'serve.php';

$store = memcached();
const BLOCKS = ['education' => 'school', 'work' => 'employer'];

function block(string $user, string $block, string $column): string
{
    global $store;
    $found = $store->get("{$user}_{$block}");
    if ($found === false) {
        $found = made($block, read("SELECT $column FROM user_$block WHERE user_id = \$1", $user));
        $store->set("{$user}_{$block}", $found, 3600);
    }
    return $found;
}

function page(string $user): string
{
    global $store;
    if ($store->get("{$user}all_blocks_data_urls") !== false) {
        return 'not modified';
    }
    $blocks = [];
    foreach (BLOCKS as $block => $column) {
        $blocks[] = block($user, $block, $column);
    }
    $store->set("{$user}all_blocks_data_urls", made('urls', array_map('md5', $blocks)), 3600);
    return implode(', ', $blocks);
}

serve(page(...));
