"""The tables news_category and news_article; the users are Django's own."""

from django.db import models


class Category(models.Model):
    name = models.TextField()


class Article(models.Model):
    category = models.ForeignKey(Category, models.CASCADE)
    title = models.TextField()
    text = models.TextField()
    views = models.IntegerField(default=0)
