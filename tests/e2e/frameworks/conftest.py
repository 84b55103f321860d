"""What every framework's tests begin with: a store of either kind, an application, cdcd with a
rules file of rules/."""

import json

import pytest

from app import App
from daemon import REPOSITORY, run_verb

RULES = REPOSITORY / "rules"


@pytest.fixture(params=["redis", "memcached"])
def store(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def run_app(db, cleanup):
    """Starts a program of this folder on the test's database."""

    def run(*program, **settings):
        where = {"DATABASE_HOST": db.cluster.folder, "DATABASE_NAME": db.name}
        app = App(program, **where, **settings)
        cleanup.callback(app.end)
        return app

    return run


@pytest.fixture
def run_rules(db, run_cdcd):
    """Starts cdcd with a file of rules/; its stores all are the test's."""

    def run(name, **stores):
        return run_cdcd(db, (RULES / name).read_text("utf-8"), stores)

    return run


@pytest.fixture
def deleted():
    """The keys that a change deletes, as explain says."""

    def explain(name, *change):
        answer = run_verb("explain", "--json", RULES / name, *change)
        assert answer.returncode == 0, answer.stderr
        ops = json.loads(answer.stdout)
        return {op["key"] for op in ops if op["action"] == "delete"}

    return explain
