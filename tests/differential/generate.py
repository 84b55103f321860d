"""Makes expressions: by the grammar of rules/README.md, of the type that their place needs most of
the time, of any type sometimes, with parentheses where they are needed most of the time.

The same seed gives the same expressions."""

import random

from sides import TOKEN
from values import COLUMNS, base_type, odd_text, text_of

OR, AND, NOT, IS, COMPARE, MATCH, OTHER, SUM, PRODUCT, SIGN, CAST, ATOM = range(12)

INTEGERS = ("int2", "int4", "int8")
EXACT = INTEGERS + ("numeric",)
NUMBERS = EXACT + ("float4", "float8")
TEXTS = ("text", "varchar", "bpchar")
TIMES = ("date", "timestamp", "timestamptz")
OTHERS = ("mood", "inet", "int4[]", "text[]", "time", "name", "oid", "citext", "mood[]", "pair", "span",
          "int4range", "numeric[]")  # fmt: skip
TYPES = ("bool",) + NUMBERS + TEXTS + TIMES + ("uuid", "bytea", "json", "jsonb") + OTHERS
# As they come in rows.
COMMON = ("bool", "int4", "int4", "text", "text", "int8", "numeric", "date", "timestamp", "float8")

NAMES = {
    "bool": ("boolean", "bool"), "int2": ("smallint", "int2"), "int4": ("integer", "int", "int4"),
    "int8": ("bigint", "int8"), "float4": ("real", "float4", "float(20)"),
    "float8": ("double precision", "float8", "float"), "numeric": ("numeric", "decimal"),
    "text": ("text",), "varchar": ("varchar", "character varying"), "bpchar": ("bpchar",),
    "uuid": ("uuid",), "date": ("date",), "timestamp": ("timestamp", "timestamp without time zone"),
    "timestamptz": ("timestamptz", "timestamp with time zone"), "bytea": ("bytea",),
    "json": ("json",), "jsonb": ("jsonb",), "mood": ("mood",), "inet": ("inet",),
    "int4[]": ("int4[]",), "text[]": ("text[]",), "time": ("time",), "name": ("name",),
    "oid": ("oid",), "citext": ("citext",), "mood[]": ("mood[]",), "pair": ("pair",), "span": ("span",),
    "int4range": ("int4range",), "numeric[]": ("numeric[]",),
}  # fmt: skip
SIZED = {
    "numeric": ("numeric(10,2)", "numeric(5)", "numeric(3,3)", "decimal(20,0)",
                "numeric(2,4)", "numeric(5,-2)", "numeric(1000,500)", "numeric(0)", "numeric(10,2,1)"),
    "varchar": ("varchar(3)", "varchar(10)", "character varying(1)", "varchar(0)", "text(3)"),
    "bpchar": ("char(3)", "char", "character(8)", "bpchar(5)"),
    "timestamp": ("timestamp(0)", "timestamp(3)"), "timestamptz": ("timestamptz(0)",),
}  # fmt: skip

BY_TYPE = {type: [name for name, t in COLUMNS if base_type(t) == type] for type in TYPES}
PATTERNS = [
    "YYYY-MM-DD", "HH24:MI:SS", "YYYY", "FMMonth DD, YYYY", "Day", "Dy", "IYYY-IW", "Q", "DDD", "D",
    "ID", "J", "MS", "US", "HH12:MI AM", "WW", "W", "CC", "YY", "Y,YYY", "MON", "month", "RM", "SSSS",
    "DDth", "FMDDTH", '"at" HH24', "TZ", "OF", "BC", "FF3", "YYYYMMDDHH24MISS", "", "IDDD", "y", "a.m.",
    "FMHH12:MIam", "TMMonth", "rm", "IY", "TZH:TZM", "FMMM/FMDD", "yyyy\\mm", "HH", "xyz",
]  # fmt: skip
FIELDS = [
    "day", "month", "year", "hour", "minute", "second", "week", "quarter", "decade", "century",
    "millennium", "milliseconds", "microseconds", "DAY", "days", "fortnight", "epoch", "dow",
]  # fmt: skip
LIKES = ["%", "a%", "%a%", "_", "a_c", "%b", "\\%", "a\\_c", "", "%ä%", "_ä", "post", "A%", "x%%", "%\\",
         "%🙂%", "__", "!%", "a!_c", "%a_%b"]  # fmt: skip


FUNCTIONS = [
    "coalesce", "nullif", "greatest", "least", "lower", "upper", "length", "left", "right", "substr",
    "substring", "replace", "trim", "btrim", "split_part", "starts_with", "strpos", "concat",
    "concat_ws", "abs", "floor", "ceil", "round", "trunc", "mod", "md5", "encode", "date_trunc",
    "to_char", "octet_length", "convert_to", "char_length", "ltrim", "rtrim", "position", "now",
    "date", "text", "int4", "numeric", "float8", "initcap", "reverse", "repeat", "chr", "sqrt",
]  # fmt: skip
OPERATORS = [
    ("+", SUM), ("-", SUM), ("*", PRODUCT), ("/", PRODUCT), ("%", PRODUCT), ("||", OTHER),
    ("->", OTHER), ("->>", OTHER), ("=", COMPARE), ("<", COMPARE), (">=", COMPARE), ("<>", COMPARE),
    ("~~", OTHER), ("~~*", OTHER), ("!~~", OTHER), ("@>", OTHER), ("^", SIGN), ("&", OTHER),
    ("#>>", OTHER), ("?", OTHER), ("~", OTHER),
]  # fmt: skip
STRAY = [
    "(", ")", "()", ",", "NOT", "IS", "NULL", "AND", "=", "-", "--", "/* a */", "::", "'", "1", ".",
    "END", "CASE", "::int", "[1]", "COLLATE", '"C"', "AT TIME ZONE 'UTC'", "ESCAPE '!'", "SYMMETRIC",
    "0x10", "1_000", ".5", "5.", "1e5", "1e", "12345678901234567890", "$1", "%", "IN", "DISTINCT",
    "ISNULL", "!", "<>-", "||'", "null::text", "B'1'", "U&'a'", "N'a'", ";", "interval '1 day'",
    "current_date", "*", "b'", "ALL", "ANY", "old", "new.", "over ()", "time '10:00'", "array[1]",
]  # fmt: skip


def quote(text):
    return "'" + text.replace("'", "''") + "'"


class Generator:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.blindness = 0.0
        self.looseness = 0.0
        self.makers = {"bool": self.truth, "bytea": self.bytes, "json": self.json,
                       "jsonb": self.json, "uuid": self.uuid}  # fmt: skip
        for types, maker in ((NUMBERS, self.number), (TEXTS, self.text), (TIMES, self.time),
                             (OTHERS, self.other)):  # fmt: skip
            self.makers.update(dict.fromkeys(types, maker))

    def expression(self):
        """(True when a condition is wanted, the text)."""
        rng = self.rng
        self.blindness = 0.15 if rng.random() < 0.1 else 0.004
        self.looseness = 0.5 if rng.random() < 0.1 else 0.003
        condition = rng.random() < 0.5
        type = "bool" if condition else rng.choice(COMMON if rng.random() < 0.5 else TYPES)
        depth = rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5))
        text = self.of(type, depth)[0]
        return condition, self.mutated(text) if self.chance(0.04) else text

    def mutated(self, text):
        """With a word gone, twice, or in another's place."""
        words = TOKEN.findall(text)
        for _ in range(self.pick(1, 1, 2)):
            at, other = self.rng.randrange(len(words)), self.rng.randrange(len(words))
            words[at : at + self.pick(0, 1)] = self.pick([], [words[other]], [self.pick(*STRAY)])
            words = words or ["1"]
        return " ".join(words)

    def chance(self, probability):
        return self.rng.random() < probability

    def pick(self, *choices):
        return self.rng.choice(choices)

    # What every type has.

    def of(self, type, depth):
        """(text, level of what it is made of)."""
        if self.chance(self.blindness):
            if self.chance(0.3):
                return self.wild(depth)
            type = self.rng.choice(TYPES)
        if depth <= 0 or self.chance(0.1):
            return self.leaf(type)
        if self.chance(0.14):
            return self.shared(type, depth)
        return self.makers[type](type, depth)

    def wild(self, depth):
        """A function or an operator with arguments of any types."""
        types = [self.rng.choice(TYPES) for _ in range(self.pick(1, 2, 2, 3))]
        if len(types) == 2 and self.chance(0.5):
            operator, level = self.pick(*OPERATORS)
            return self.binary(operator, level, *types, depth - 1)
        return self.call(self.pick(*FUNCTIONS), *types, depth=depth - 1)

    def at(self, level, type, depth):
        """In a place where only what binds at least so strongly may stand without parentheses."""
        text, own = self.of(type, depth)
        if own < level and not self.chance(self.looseness) or self.chance(0.04):
            return f"({text})"
        return text

    def any(self, type, depth):
        return self.at(OR, type, depth)

    def leaf(self, type):
        if self.chance(0.7):
            return self.column(type)
        return self.literal(type)

    def column(self, type):
        name = self.rng.choice(BY_TYPE[type])
        if self.chance(0.12):
            name = self.pick("new.", "old.", "NEW.", "old .") + name
        elif self.chance(0.03):
            name = self.pick(name.upper(), f'"{name}"')
        return name, ATOM

    def literal(self, type):
        rng = self.rng
        text = text_of(rng, type)
        if self.chance(0.05):
            return self.pick("NULL", f"NULL::{NAMES[type][0]}", f"CAST(NULL AS {NAMES[type][0]})"), CAST
        if type == "bool" and self.chance(0.7):
            return self.pick("TRUE", "FALSE", "true", "false"), ATOM
        if type in NUMBERS and self.chance(0.7) and not text[-1].isalpha():
            if text.startswith("0.") and self.chance(0.2):
                text = text[1:]
            return text, SIGN if text[0] == "-" else ATOM
        if self.chance(0.06):
            text = odd_text(rng, type)
        quoted = self.quoted(text)
        if type in OTHERS + ("json", "jsonb", "bytea") or self.chance(0.4):
            if type in OTHERS:
                return quoted, ATOM
            return self.cast(quoted, type)
        if self.chance(0.4):
            name = NAMES[type][0]
            return f"{name} {quoted}", ATOM
        return quoted, ATOM

    def quoted(self, text):
        if self.chance(0.05):
            escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
            escaped = escaped.replace("ä", self.pick("\\u00e4", "\\303\\244", "\\xc3\\xa4"))
            escaped = escaped.replace("a", self.pick("a", "a", "\\x61", "\\141", "\\U00000061"))
            return "E'" + escaped.replace("\t", "\\t") + "'"
        return quote(text)

    def cast(self, text, type):
        name = self.rng.choice(NAMES[type])
        if type in SIZED and self.chance(0.3):
            name = self.rng.choice(SIZED[type])
        if self.chance(0.5):
            return f"CAST({text} AS {name})", ATOM
        return f"{text}::{name}", CAST

    def cast_of(self, from_type, type, depth):
        if self.chance(0.5):
            return self.cast(self.at(CAST, from_type, depth), type)
        return self.cast("(" + self.any(from_type, depth) + ")", type)

    def shared(self, type, depth):
        """CASE and its like, which take their type from their arguments."""
        depth -= 1
        kind = self.rng.random()
        if kind < 0.3:
            whens = "".join(
                f" WHEN {self.any('bool', depth)} THEN {self.any(type, depth)}"
                for _ in range(self.pick(1, 1, 2, 3))
            )
            otherwise = f" ELSE {self.any(type, depth)}" if self.chance(0.7) else ""
            return f"CASE{whens}{otherwise} END", ATOM
        if kind < 0.45:
            of = self.comparable()
            whens = "".join(
                f" WHEN {self.any(self.beside(of), depth)} THEN {self.any(type, depth)}"
                for _ in range(self.pick(1, 2))
            )
            otherwise = f" ELSE {self.any(type, depth)}" if self.chance(0.7) else ""
            return f"CASE {self.any(of, depth)}{whens}{otherwise} END", ATOM
        if kind < 0.7:
            return self.call(self.pick("coalesce", "COALESCE"), *[type] * self.pick(1, 2, 2, 3), depth=depth)
        if kind < 0.85:
            return self.call("nullif", type, self.beside(type), depth=depth)
        if type in TEXTS + OTHERS + ("json", "jsonb") and not self.chance(0.05):
            return self.leaf(type)
        types = [self.beside(type) for _ in range(self.pick(0, 1, 2))]
        return self.call(self.pick("greatest", "least"), type, *types, depth=depth)

    def call(self, name, *types, depth):
        return f"{name}({', '.join(self.any(type, depth) for type in types)})", ATOM

    def binary(self, operator, level, left, right, depth):
        """Left-associative, as all but comparisons are."""
        space = self.pick(" ", " ", " ", "", "\n ") if operator not in ("-", "/") else " "
        left, right = self.at(level, left, depth), self.at(level + 1, right, depth)
        return f"{left}{space}{operator} {right}", level

    def beside(self, type):
        """A type that such a value is compared with."""
        if self.chance(0.75):
            return type
        for family in (NUMBERS, TEXTS, TIMES):
            if type in family:
                return self.rng.choice(family)
        return type

    def comparable(self):
        if self.chance(0.5):
            return self.rng.choice(COMMON)
        return self.rng.choice([type for type in TYPES if type != "json"])

    # One type each.

    def truth(self, _, depth):
        depth -= 1
        kind = self.rng.random()
        if kind < 0.27:
            return self.comparison(depth)
        if kind < 0.37:
            return self.binary(self.pick("AND", "and"), AND, "bool", "bool", depth)
        if kind < 0.47:
            return self.binary(self.pick("OR", "or"), OR, "bool", "bool", depth)
        if kind < 0.53:
            return f"NOT {self.at(NOT, 'bool', depth)}", NOT
        if kind < 0.66:
            return self.postfix(depth)
        if kind < 0.74:
            return self.membership(depth)
        if kind < 0.82:
            return self.between(depth)
        if kind < 0.9:
            return self.like(depth)
        if kind < 0.92:
            return self.call("starts_with", "text", "text", depth=depth)
        if kind < 0.94:
            name = self.rng.choice(COLUMNS)[0]
            return f"changed({name})", ATOM
        if kind < 0.96:
            return self.cast_of(self.pick("int4", "bool", "text", "jsonb"), "bool", depth)
        if kind < 0.97:
            return self.pick("table_name() = 'r'", "table_schema() <> 'public'"), COMPARE
        return self.leaf("bool")

    def comparison(self, depth):
        type = self.comparable()
        operator = self.pick("=", "=", "<>", "!=", "<", "<=", ">", ">=")
        if type in TEXTS + OTHERS + ("jsonb",) and not self.chance(0.05):
            operator = self.pick("=", "=", "<>", "!=")
        left, right = type, self.beside(type)
        left, right = self.at(MATCH, left, depth), self.at(MATCH, right, depth)
        return f"{left} {operator} {right}", COMPARE

    def postfix(self, depth):
        kind = self.rng.random()
        if kind < 0.35:
            test = self.pick("IS NULL", "IS NOT NULL", "ISNULL", "NOTNULL", "is null")
            return f"{self.at(IS + 1, self.rng.choice(TYPES), depth)} {test}", IS
        if kind < 0.7:
            test = self.pick("", "NOT ") + self.pick("TRUE", "FALSE", "UNKNOWN")
            return f"{self.at(IS + 1, 'bool', depth)} IS {test}", IS
        type = self.comparable()
        left, right = self.at(IS + 1, type, depth), self.at(IS + 1, self.beside(type), depth)
        return f"{left} IS {self.pick('', 'NOT ')}DISTINCT FROM {right}", IS

    def membership(self, depth):
        type = self.comparable()
        items = [self.leaf(self.beside(type))[0] for _ in range(self.pick(1, 2, 3, 4))]
        if self.chance(0.3):
            items.append(self.any(type, depth - 1))
        left = self.at(MATCH + 1, type, depth)
        return f"{left} {self.pick('IN', 'NOT IN', 'in')} ({', '.join(items)})", MATCH

    def between(self, depth):
        type = self.comparable()
        if type in TEXTS + OTHERS + ("jsonb",) and not self.chance(0.05):
            type = self.rng.choice(NUMBERS + TIMES)
        word = self.pick("BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "between")
        left = self.at(MATCH + 1, type, depth)
        low, high = (self.at(MATCH + 1, self.beside(type), depth - 1) for _ in range(2))
        return f"{left} {word} {low} AND {high}", MATCH

    def like(self, depth):
        word = self.pick("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "like", "~~")
        left = self.at(MATCH + 1, self.pick("text", "text", "varchar", "bpchar"), depth)
        right = quote(self.rng.choice(LIKES))
        if self.chance(0.4):
            letters = "".join(self.pick("%", "%", "_", "a", "b", "c", "\\", "A", " ", "ä", "1") for _ in range(4))
            right = quote(letters[: self.pick(1, 2, 3, 4)])
        if self.chance(0.15):
            right = self.at(MATCH + 1, "text", depth - 1)
        escape = f" ESCAPE {quote(self.pick('!', chr(92), '', 'ä'))}" if self.chance(0.1) else ""
        return f"{left} {word} {right}{'' if word == '~~' else escape}", OTHER if word == "~~" else MATCH

    def number(self, type, depth):
        depth -= 1
        kind = self.rng.random()
        if kind < 0.4:
            operator, level = self.pick(("+", SUM), ("-", SUM), ("*", PRODUCT), ("/", PRODUCT), ("%", PRODUCT))
            if operator == "%" and type in ("float4", "float8"):
                operator = "*"
            other = self.beside(type) if self.chance(0.3) else type
            return self.binary(operator, level, type, other, depth)
        if kind < 0.47:
            return f"{self.pick('-', '- ', '+')}{self.signed(type, depth)}", SIGN
        if kind < 0.6:
            from_type = "jsonb" if self.chance(0.03) else self.rng.choice(NUMBERS)
            return self.cast_of(from_type, type, depth)
        if kind < 0.8:
            return self.rounded(type, depth)
        if type == "int4":
            return self.counted(depth)
        if kind < 0.83:
            return self.cast(f"({self.any('text', depth)})", type)
        return self.leaf(type)

    def signed(self, type, depth):
        """Two minus signs would begin a comment."""
        text = self.at(SIGN, type, depth)
        return f"({text})" if text[0] in "-+" else text

    def rounded(self, type, depth):
        name = self.pick("abs", "abs", "floor", "ceil", "ceiling", "round", "trunc", "mod", "round2")
        if name == "mod":
            return self.call("mod", type, self.beside(type), depth=depth)
        if name == "round2":
            digits = self.pick("0", "1", "2", "-1", "5", "-3", "20", "s1")
            return f"{self.pick('round', 'trunc')}({self.any(self.pick('numeric', type), depth)}, {digits})", ATOM
        return self.call(name, type, depth=depth)

    def counted(self, depth):
        kind = self.rng.randrange(6)
        if kind == 0:
            return self.call("strpos", "text", "text", depth=depth)
        if kind == 1:
            return self.binary("-", SUM, "date", "date", depth)
        if kind == 2:
            return self.cast_of("bool", "int4", depth)
        if kind == 3:
            return self.call("octet_length", self.pick("text", "bytea", "bpchar"), depth=depth)
        if kind == 4:
            return f"position({self.at(OTHER, 'text', depth)} in {self.at(OTHER, 'text', depth)})", ATOM
        name = self.pick("length", "char_length")
        return self.call(name, self.pick("text", "varchar", "bpchar", "bytea"), depth=depth)

    def count(self, depth):
        """A small number, mostly."""
        if self.chance(0.7):
            return self.pick("0", "1", "2", "3", "-1", "-2", "10", "2147483647", "-2147483648")
        return self.any("int4", depth)

    def text(self, type, depth):
        depth -= 1
        if type != "text" and self.chance(0.6):
            return self.cast_of(self.rng.choice(TEXTS), type, depth) if self.chance(0.4) else self.leaf(type)
        kind = self.rng.random()
        some = self.pick("text", "text", "text", "varchar", "bpchar")
        if kind < 0.2:
            pair = [some, self.rng.choice(TYPES) if self.chance(0.3) else "text"]
            self.rng.shuffle(pair)
            return self.binary("||", OTHER, *pair, depth)
        if kind < 0.34:
            return self.call(self.pick("lower", "upper", "md5", "trim", "btrim", "ltrim", "rtrim"), some, depth=depth)
        if kind < 0.44:
            return f"{self.pick('left', 'right', 'substr', 'substring')}({self.any(some, depth)}, {self.count(depth)})", ATOM
        if kind < 0.52:
            return self.part(some, depth)
        if kind < 0.58:
            return self.call("replace", some, "text", "text", depth=depth)
        if kind < 0.64:
            return self.concat(depth)
        if kind < 0.7:
            return self.json_text(depth)
        if kind < 0.76:
            patterns = [self.rng.choice(PATTERNS) for _ in range(self.pick(1, 1, 2, 3))]
            pattern = quote(self.pick("", "-", " ").join(patterns))
            return f"to_char({self.any(self.rng.choice(TIMES), depth)}, {pattern})", ATOM
        if kind < 0.8:
            return f"encode({self.any('bytea', depth)}, {self.pick(*map(quote, ('hex', 'base64', 'escape', 'HEX', 'x')))})", ATOM
        if kind < 0.93:
            return self.cast_of(self.rng.choice(TYPES), "text", depth)
        return self.leaf("text")

    def part(self, some, depth):
        text = self.any(some, depth)
        kind = self.rng.randrange(7)
        if kind == 0:
            return f"substr({text}, {self.count(depth)}, {self.count(depth)})", ATOM
        if kind == 1:
            return f"substring({text} from {self.count(depth)} for {self.count(depth)})", ATOM
        if kind == 2:
            return f"substring({text} {self.pick('from', 'for')} {self.count(depth)})", ATOM
        if kind == 3:
            return f"split_part({text}, {self.any('text', depth)}, {self.count(depth)})", ATOM
        side = self.pick("both ", "leading ", "trailing ", "")
        if kind == 4:
            return f"trim({side}from {text})", ATOM
        if kind == 5:
            return f"trim({side}{quote(self.pick('a', ' ab', 'ä', '', 'x'))} from {text})", ATOM
        return self.call(self.pick("btrim", "ltrim", "rtrim"), some, "text", depth=depth)

    def concat(self, depth):
        types = [self.rng.choice(TYPES) for _ in range(self.pick(1, 2, 3))]
        if self.chance(0.02):
            types += ["int4"] * self.pick(8, 15, 16, 40, 98, 99, 100)
            depth = 1
        if self.chance(0.5):
            return self.call("concat", *types, depth=depth)
        return self.call("concat_ws", "text", *types, depth=depth)

    def json_key(self):
        keys = ("'a'", "'b'", "''", "0", "1", "-1", "'0'", "'aa'", "5", "'ä'", "'c'", "t1", "i1")
        return self.rng.choice(keys)

    def json_text(self, depth):
        return f"{self.at(OTHER, self.pick('json', 'jsonb'), depth)} ->> {self.json_key()}", OTHER

    def json(self, type, depth):
        kind = self.rng.random()
        if kind < 0.5:
            return f"{self.at(OTHER, type, depth - 1)} -> {self.json_key()}", OTHER
        if kind < 0.6:
            return self.cast_of(self.pick("json", "jsonb"), type, depth - 1)
        return self.leaf(type)

    def bytes(self, type, depth):
        depth -= 1
        kind = self.rng.random()
        if kind < 0.3:
            return self.binary("||", OTHER, "bytea", "bytea", depth)
        if kind < 0.5:
            return f"{self.pick('substr', 'substring')}({self.any('bytea', depth)}, {self.count(depth)}, {self.count(depth)})", ATOM
        if kind < 0.6:
            return self.call(self.pick("btrim", "ltrim", "rtrim", "trim"), "bytea", "bytea", depth=depth)
        if kind < 0.65:
            return self.cast(f"({self.any('text', depth)})", "bytea")
        if kind < 0.75:
            return f"convert_to({self.any('text', depth)}, 'UTF8')", ATOM
        return self.leaf("bytea")

    def uuid(self, type, depth):
        if self.chance(0.3):
            return self.cast_of("uuid", "text", depth - 1)[0] + "::uuid", CAST
        return self.leaf("uuid")

    def time(self, type, depth):
        depth -= 1
        kind = self.rng.random()
        if type == "date" and kind < 0.4:
            pair = [("date", self.pick("int4", "int2")), ("int4", "date")][self.chance(0.2)]
            return self.binary("+" if pair[0] == "int4" else self.pick("+", "-"), SUM, *pair, depth)
        if type != "date" and kind < 0.45:
            name = quote(self.rng.choice(FIELDS))
            return f"date_trunc({name}, {self.any(self.pick(type, type, 'date'), depth)})", ATOM
        if type == "timestamptz" and kind < 0.5:
            return f"date_trunc('day', {self.any(type, depth)}, {self.pick(quote('UTC'), quote('Asia/Tokyo'))})", ATOM
        if kind < 0.75:
            return self.cast_of(self.rng.choice(TIMES), type, depth)
        if kind < 0.8:
            return self.cast(f"({self.any('text', depth)})", type)
        return self.leaf(type)

    def other(self, type, depth):
        return self.leaf(type)
