-- The value is written if the lease is still the writer's: a change deletes it.
-- KEYS: the key, its lease. ARGV: the token, the value, how many seconds the value lives.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
