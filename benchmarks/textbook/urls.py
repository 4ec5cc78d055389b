"""The same addresses as ours."""

from django.contrib.auth.views import LoginView
from django.urls import path

from benchmarks.textbook import views

urlpatterns = [
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("events/<slug:slug>/changes/", views.changes, name="changes"),
    path("desk/<slug:slug>/updates/", views.publish, name="publish"),
]
