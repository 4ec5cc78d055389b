"""The addresses of DESIGN.md section 6."""

from django.urls import path

from liveblog import views

urlpatterns = [
    path("", views.index, name="index"),
    path("events/<slug:slug>/", views.event, name="event"),
    path("events/<slug:slug>/changes/", views.changes, name="changes"),
    path("events/<slug:slug>/updates/<int:number>/", views.update, name="update"),
    path("healthz", views.healthz, name="healthz"),
]
