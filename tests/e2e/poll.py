"""Waiting without sleeping: a condition is asked again and again, with a limit."""

import time


def wait_for(condition, what, limit=20, every=0.005):
    """Returns the first true answer of `condition`; fails, saying `what`, after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(every)


def seconds(action):
    """How long the action took."""
    begin = time.monotonic()
    action()
    return time.monotonic() - begin
