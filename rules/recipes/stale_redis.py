"""The old value is served while one reader makes the new (rules: stale_redis.cfg).

It keeps readers away from the database; it is no cure of late writes by itself."""


def cached(redis, key, load, ttl=3600):
    value = redis.get(key)
    # DEL answers 1 to one reader alone. In a Cluster the companion is f"{{{key}}}:stale".
    if value is None or redis.delete(f"{key}:stale"):
        value = load()
        redis.set(key, value, ex=ttl)
    return value
