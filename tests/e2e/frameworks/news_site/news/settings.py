"""A project of Django's defaults, but for where its database and its cache are."""

import os
import pathlib

SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["news.example"]
ROOT_URLCONF = "news.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "news"]
MIDDLEWARE = [
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [pathlib.Path(__file__).parent / "templates"],
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DATABASE_HOST"],
        "NAME": os.environ["DATABASE_NAME"],
        "USER": "postgres",
    }
}
CACHES = {
    "default": {"BACKEND": os.environ["CACHE_BACKEND"], "LOCATION": os.environ["CACHE_LOCATION"]}
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pt-br", "Português")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
