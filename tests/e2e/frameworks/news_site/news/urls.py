from django.urls import path

from . import views

urlpatterns = [
    path("", views.front),
    path("title/<int:number>/", views.title),
    path("fragment/<int:number>/", views.fragment),
    path("article/<int:number>/", views.article),
    path("sidebar/<username>/", views.sidebar),
]
