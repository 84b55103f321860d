"""A version that is read before the database (rules: versions.cfg).

The value stands under a name with the version in it. A change makes the version another one, so
what a late reader writes under the old name is never read again."""


def cached(redis, key, load, ttl=3600):
    version = redis.get(f"{key}:version")
    if version is None:
        # Never counted from 1: a version that was evicted would come back, and old values with it.
        seconds, microseconds = redis.time()
        redis.set(f"{key}:version", seconds * 1000000 + microseconds, nx=True)
        version = redis.get(f"{key}:version")
    if version is None:
        return load()  # it went at once: a name without it would serve what was written there before
    name = f"{key}:{version.decode()}"
    value = redis.get(name)
    if value is None:
        value = load()  # after the version was read, never before
        redis.set(name, value, ex=ttl)
    return value
