"""What is cached, in each of the ways that Django has. MADE says what was not found there."""

from django.contrib.auth.models import User
from django.core.cache import cache
from django.shortcuts import render
from django.views.decorators.cache import cache_page

from .models import Article

MADE = []


def made(what, value):
    MADE.append(what)
    return value


def load_title(number):
    return made("title", Article.objects.get(pk=number).title)


def title(request, number):
    found = cache.get_or_set(f"article:{number}", lambda: load_title(number))
    return render(request, "title.html", {"title": found})


def fragment(request, number):
    article = {"id": number, "row": lambda: made("fragment", Article.objects.get(pk=number))}
    return render(request, "article.html", {"article": article})


@cache_page(900)
def article(request, number):
    return fragment(request, made("page", number))


@cache_page(900)
def front(request):
    titles = ", ".join(Article.objects.order_by("id").values_list("title", flat=True))
    return render(request, "title.html", {"title": made("front", titles)})


def sidebar(request, username):
    user = User.objects.get(username=username)
    user.shown = lambda: made("sidebar", user.first_name)
    return render(request, "sidebar.html", {"user": user})
