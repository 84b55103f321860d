"""The tables of rules/README.md, out of the option tables of the program:

python3 tests/reference.py            says which tables are not as the program has them
python3 tests/reference.py --write    writes them

A table stands between `<!-- settings: FILE ROWS -->` and `<!-- end -->`; ROWS is the array's name
in FILE, and its sentences are the manual's."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAPER = ROOT / "rules/README.md"

VALUES = {
    "OPT_STRING": "string",
    "OPT_STRINGS": "string or array",
    "OPT_BOOL": "`true`, `false`",
    "OPT_INT": "number",
    "OPT_SIZE": "size",
    "OPT_TIME": "time",
    "OPT_TIME_RANGE": "two times",
    "OPT_GROUP": "group",
}

# What OPT_NODE takes, which only the code that reads it knows.
NODES = {
    "triggers": "string or list",
    "when": "expression",
    "each": "group of arrays",
    "let": "group of strings",
    "bind": "group of expressions",
    "tests": "list",
    "lookups": "list",
    "rows": "list",
}

LITERAL = r'"(?:[^"\\]|\\.)*"'
MARKS = re.compile(r"(<!-- settings: (\S+) (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def text_of(literals):
    """C's string literals, one after the other, as their text."""
    parts = re.findall(LITERAL, literals)
    return "".join(part[1:-1] for part in parts).replace('\\"', '"').replace("\\\\", "\\")


def macro_text(name):
    header = (ROOT / "cdcd/rule/load.h").read_text("utf-8")
    text = re.search(rf"#define {name}\b((?:.*\\\n)*.*\n)", header).group(1)
    return text.replace("\\\n", "\n")


def array_of(source, name):
    """What stands between the braces of a table; where a macro stands, its text."""
    body = re.search(rf"\b{name}\[\] = \{{(.*?)\}};", source, re.DOTALL).group(1)
    return re.sub(r"^\s*(LOAD_[A-Z_]+)\b", lambda found: macro_text(found[1]), body,
                  flags=re.MULTILINE)


def words_of(source, name):
    """The words that are built."""
    rows = re.findall(r'\{\s*"([\w-]+)",\s*([^{}]*?)\}', array_of(source, name))
    return [word for word, rest in rows if not rest.rstrip().endswith("true")]


def rows_of(path, name):
    """The rows of an option table that are built."""
    source = (ROOT / path).read_text("utf-8")
    for row in re.findall(rf"\{{(\.name = (?:{LITERAL}|[^\"}}])*)\}}", array_of(source, name)):
        field = dict(re.findall(rf"\.(\w+) =\s+((?:{LITERAL}\s*)+|[^,]+)", row))
        if "unbuilt" not in field:
            yield source, field


def tables_of(source):
    """The names of a file's option tables."""
    return re.findall(r"^static const struct opt (\w+)\[\]", source, re.MULTILINE)


def filters_of(source):
    """The names of the filters, of filter.c."""
    return re.findall(r'\{"(\w+)", apply_', source)


def functions_of(source):
    """The names of the functions of expressions that are not refused, of functions.c."""
    rows = re.findall(r'^ +(?:[A-Z]+\(|\{)"(\w+)",?(.*)', source, re.MULTILINE)
    return {name for name, rest in rows if "NULL" not in rest}


def value_of(source, field, name):
    if "words" in field:
        return ", ".join(f'`"{word}"`' for word in words_of(source, field["words"].strip()))
    if field["type"] == "OPT_NODE":
        return NODES.get(name, "group")
    return VALUES[field["type"]]


def default_of(field):
    if "required" in field:
        return "required"
    if "fallback" not in field:
        return ""
    text = text_of(field["fallback"])
    quoted = field["type"] not in ("OPT_BOOL", "OPT_INT")
    return f'`"{text}"`' if quoted else f"`{text}`"


def table(path, name):
    lines = ["| setting | value | default | meaning |", "|---|---|---|---|"]
    for source, field in rows_of(path, name):
        setting = text_of(field["name"])
        meaning = text_of(field["help"])
        if "range" in field and "required" not in field:
            meaning += f"; {text_of(field['range'])}"
        value = value_of(source, field, setting)
        lines.append(f"| `{setting}` | {value} | {default_of(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def written(text):
    """The paper with its tables as the program has them."""
    return MARKS.sub(lambda found: found[1] + table(found[2], found[3]) + found[5], text)


def main():
    text = PAPER.read_text("utf-8")
    right = written(text)
    if "--write" in sys.argv:
        PAPER.write_text(right, "utf-8")
        return 0
    for found in MARKS.finditer(text):
        if table(found[2], found[3]) != found[4]:
            print(f"{found[2]} {found[3]}: rules/README.md has another table; write it with --write")
    return 1 if right != text else 0


if __name__ == "__main__":
    sys.exit(main())
