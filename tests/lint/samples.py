"""A small bad tree for each check: its files, and the FILE:LINE that must be complained about."""


def function_of(n):
    return "int f(void)\n{\n" + "    ;\n" * (n - 2) + "}\n"


WORDS = "enough words that a reader may take this for a real one"

SAMPLES = {
    "walls": (
        {
            "cdcd/config.h": "",
            "cdcd/base/buf.h": "",
            "cdcd/model/op.h": '#include "base/buf.h"\n#include "store/store.h"\n',
            "cdcd/base/buf.c": '#include "base/buf.h"\n#include "model/op.h"\n',
            "cdcd/base/str.c": '#include "buf.h"\n#include "config.h"\n',
            "cdcd/rule/rule.h": '#include "model/op.h"\n#  include  "store/store.h"\n',
            "cdcd/store/store.h": '#include <stdio.h>\n#include "store/link.h"\n',
            "cdcd/store/link.h": "",
            "cdcd/flow/ack.h": "",
            "cdcd/flow/ack.c": '#include "store/store.h"\n#include "store/link.h"\n',
            "cdcd/daemon.c": '#include "flow/ack.h"\n#include "config.h"\n'
                             '#include "store/link.h"\n',
        },
        {
            "cdcd/model/op.h:2", "cdcd/base/buf.c:2", "cdcd/base/str.c:1", "cdcd/base/str.c:2",
            "cdcd/rule/rule.h:2", "cdcd/flow/ack.c:2", "cdcd/daemon.c:3",
        },
    ),
    "libraries": (
        {
            "cdcd/source/pgconn.c": "#include <libpq-fe.h>\n#include <event2/event.h>\n",
            "cdcd/source/slot.c": "#include <libpq-fe.h>\n#include <event2/event.h>\n",
            "cdcd/store/redis.c": "#include <hiredis/hiredis.h>\n#include <libpq-fe.h>\n",
            "cdcd/store/memcached.c": "#include <hiredis/read.h>\n#include <event.h>\n",
            "cdcd/rule/load.c": "#include <libconfig.h>\n#include <uthash.h>\n",
            "cdcd/base/confread.c": "#include <libconfig.h>\n",
            "cdcd/base/digest.c": "#include <openssl/evp.h>\n",
            "cdcd/rule/filter.c": "#include <openssl/evp.h>\n",
            "cdcd/store/http_reply.c": "#include <http_parser.h>\n",
            "cdcd/store/url.c": "#include <http_parser.h>\n",
        },
        {
            "cdcd/source/slot.c:2", "cdcd/store/redis.c:2", "cdcd/store/memcached.c:1",
            "cdcd/store/memcached.c:2", "cdcd/rule/load.c:1", "cdcd/rule/filter.c:1",
            "cdcd/store/url.c:1",
        },
    ),
    "functions": (
        {
            "cdcd/base/good.c": function_of(80) + "\nstruct x {\n" + "    int n;\n" * 90 + "};\n",
            "cdcd/base/bad.c": function_of(3) + function_of(81),
            "tests/unit/test_bad.c": function_of(200),
        },
        {"cdcd/base/bad.c:6", "tests/unit/test_bad.c:2"},
    ),
    "files": (
        {"cdcd/a.c": "\n" * 600, "cdcd/b.c": "\n" * 601, "tests/e2e/c.py": "\n" * 700},
        {"cdcd/b.c:601", "tests/e2e/c.py:700"},
    ),
    "externs": (
        {
            "cdcd/a.h": "extern int n;\n"
                        "extern const struct store_ops redis_ops;\n"
                        "extern struct store_ops loose_ops;\n"
                        "extern const char *names[];\n",
            "cdcd/a.c": "extern int n;\n",
        },
        {"cdcd/a.h:1", "cdcd/a.h:3", "cdcd/a.h:4"},
    ),
    "promises": (
        {
            "cdcd/a.c": "/* TO" "DO: the rest */\nint todo;\n",
            "tests/e2e/a.py": "# soon\n# FIX" "ME\n",
        },
        {"cdcd/a.c:1", "tests/e2e/a.py:2"},
    ),
    "papers": (
        {
            "README.md": WORDS, "CHANGELOG.md": "# Changes\n", "LICENSE": WORDS,
            "rules/README.md": WORDS,
        },
        {"CHANGELOG.md:1", "tests/README.md:1"},
    ),
    "white_space": (
        {
            "cdcd/good.c": "int f(void)\n{\n    return 0;\n}\n",
            "cdcd/bad.c": "int f(void)\n{\n  return 0;\n}\n",
        },
        {"cdcd/bad.c:2"},
    ),
}
