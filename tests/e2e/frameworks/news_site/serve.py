"""The news site without a web server: a line `PATH LANGUAGE` in, the page as a line of JSON out.
`migrate` makes the tables."""

import json
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "news.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from news import views  # noqa: E402


def page(path, language):
    views.MADE.clear()
    answer = Client(HTTP_HOST="news.example", HTTP_ACCEPT_LANGUAGE=language).get(path, secure=True)
    assert answer.status_code == 200, answer
    return {"text": answer.content.decode().strip(), "made": views.MADE}


def migrate():
    call_command("migrate", run_syncdb=True, verbosity=0)
    return {}


for line in sys.stdin:
    words = line.split()
    print(json.dumps(migrate() if words == ["migrate"] else page(*words)), flush=True)
