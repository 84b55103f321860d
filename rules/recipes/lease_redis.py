"""A lease that a change takes away (rules: lease_redis.cfg).

Who misses takes the lease, asks the database, and writes if the lease is still there. The braces
keep a key and its lease in one slot of a Redis Cluster; elsewhere they are letters like others."""

import pathlib
import uuid

FILL = pathlib.Path(__file__).with_suffix(".lua").read_text("ascii")


def cached(redis, key, load, ttl=3600, lease=10):
    """key is as "shop:{product:7}"."""
    value = redis.get(key)
    if value is not None:
        return value
    token = uuid.uuid4().hex
    mine = redis.set(f"{key}:lease", token, nx=True, ex=lease)
    value = load()
    if mine:  # the others have read the database for themselves alone
        redis.eval(FILL, 2, key, f"{key}:lease", token, value, ttl)
    return value
