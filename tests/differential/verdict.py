"""Whether two answers agree."""

# Errors that say: PostgreSQL has an answer, and cdcd does not guess it.
BEYOND = (
    "not ASCII",  # lower, upper and ILIKE go by the database's collation
    "not a date that cdcd reads",
    "not a floating-point number that cdcd reads",  # 0x1F
    "to_char() with TM",
    "differs between versions of PostgreSQL",
)


def same_value(postgres, cdcd):
    return list(map(str, postgres)) == list(cdcd)


def verdict(postgres, cdcd):
    """(agreed, what it was)."""
    doubt, kind, *rest = cdcd
    parse_time = postgres[0] == "state" and postgres[1].startswith("42")
    if kind in ("crash", "doubt"):
        return False, kind
    without = doubt.startswith("without a table")
    if not without and doubt not in ("-", "doubt", "same", "error"):
        return False, f"doubt: {doubt}"
    if kind == "refused":
        return True, f"refused, PostgreSQL {'too' if parse_time else postgres[0]}"
    if parse_time:
        return False, f"PostgreSQL refuses: {postgres[1]}"
    if postgres[0] == "state":
        return kind == "error", "error" if kind == "error" else f"no error: {postgres[1]}"
    if kind == "error":
        beyond = any(reason in rest[0] for reason in BEYOND)
        return beyond, f"{'beyond' if beyond else 'an error'}: {rest[0]}"
    if same_value(postgres, cdcd[1:]):
        return True, kind
    if postgres[0] != kind:
        return False, "NULL or not"
    if str(postgres[1]) != rest[0]:
        return False, f"type {postgres[1]}, not {rest[0]}"
    return False, f"another value of type {rest[0]}"
