"""What was read is compared with when the row was changed last (rules: stamp.cfg).

A value carries the oldest transaction that its reader's snapshot did not see the end of. cdcd
writes beside it a number larger than that of the last transaction that changed the row. The value
is good while its own number is not smaller. Both are PostgreSQL's transaction numbers: a position
in the WAL would not do, because it moves before the change can be seen.

Where long transactions write, little is cached meanwhile: what is older than they are may be what
they change."""

# In one statement with what is read, or in one transaction that is REPEATABLE READ.
STAMP = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
# For a key that no change has written, or whose number was evicted.
NOW = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

FILL = """
local changed = redis.call('GET', KEYS[2])
if not changed or tonumber(ARGV[1]) < tonumber(changed) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'EX', ARGV[3])
return 1
"""


def cached(redis, key, load, now, ttl=3600):
    """key is as "shop:{product:7}". load() gives a value and its STAMP, now() what NOW answers."""
    entry, changed = redis.mget(key, f"{key}:changed")
    if entry is not None and changed is not None:
        stamp, value = entry.split(b" ", 1)
        if int(stamp) >= int(changed):
            return value
    if changed is None:
        redis.set(f"{key}:changed", now(), nx=True, ex=86400)
    value, stamp = load()
    redis.eval(FILL, 2, key, f"{key}:changed", stamp, value, ttl)
    return value
