"""The same addresses as ours."""

from django.contrib.auth.views import LoginView
from django.urls import path
from django.views.decorators.http import conditional_page

from benchmarks.textbook import views
from benchmarks.textbook.feeds import UpdatesFeed

urlpatterns = [
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("events/<slug:slug>/changes/", views.changes, name="changes"),
    path("events/<slug:slug>/feed.atom", conditional_page(UpdatesFeed()), name="feed"),
    path("desk/<slug:slug>/updates/", views.publish, name="publish"),
]
