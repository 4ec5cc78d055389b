"""The addresses of DESIGN.md section 6."""

from django.urls import path

from liveblog import desk, views

urlpatterns = [
    path("", views.index, name="index"),
    path("events/<slug:slug>/", views.event, name="event"),
    path("events/<slug:slug>/changes/", views.changes, name="changes"),
    path("events/<slug:slug>/photos/<str:name>-<int:width>.webp", views.photo, name="photo"),
    path("events/<slug:slug>/updates/<int:number>/", views.update, name="update"),
    path("desk/", desk.index, name="desks"),
    path("desk/new/", desk.new, name="desk-new"),
    path("desk/sw.js", desk.worker, name="worker"),
    path("desk/manifest.webmanifest", desk.manifest, name="manifest"),
    path("desk/share/", desk.share, name="share"),
    path("desk/<slug:slug>/", desk.desk, name="desk"),
    path("desk/<slug:slug>/edit/", desk.settings, name="desk-settings"),
    path("desk/<slug:slug>/preview/", desk.preview, name="desk-preview"),
    path("desk/<slug:slug>/status/", desk.change_status, name="desk-status"),
    path("desk/<slug:slug>/people/", desk.people, name="desk-people"),
    path("desk/<slug:slug>/people/<int:user_id>/", desk.person, name="desk-person"),
    path("desk/<slug:slug>/invitations/", desk.invite, name="desk-invitations"),
    path("desk/<slug:slug>/invitations/<int:pk>/revocation/", desk.revoke, name="desk-revocation"),
    path("desk/<slug:slug>/waiting/<uuid:key>/", desk.waiting, name="desk-waiting"),
    path("desk/<slug:slug>/waiting/<uuid:key>/publication/", desk.publish_waiting, name="desk-publication"),
    path("desk/<slug:slug>/waiting/<uuid:key>/rejection/", desk.reject_waiting, name="desk-rejection"),
    path("desk/<slug:slug>/photos/", desk.add_photo, name="desk-photos"),
    path("desk/<slug:slug>/photos/<str:name>-<int:width>.webp", desk.photo, name="desk-photo"),
    path("desk/<slug:slug>/render/", desk.preview_markdown, name="desk-render"),
    path("desk/<slug:slug>/pause/", desk.pause, name="desk-pause"),
    path("desk/<slug:slug>/deletion/", desk.deletion, name="desk-deletion"),
    path("desk/<slug:slug>/updates/", desk.publish, name="desk-updates"),
    path("desk/<slug:slug>/updates/<int:number>/", desk.edit, name="desk-update"),
    path("desk/<slug:slug>/updates/<int:number>/withdrawal/", desk.withdraw, name="desk-withdrawal"),
    path("desk/<slug:slug>/updates/<int:number>/restoration/", desk.restore, name="desk-restoration"),
    path("desk/<slug:slug>/updates/<int:number>/pin/", desk.pin, name="desk-pin"),
    path("desk/<slug:slug>/updates/<int:number>/key/", desk.mark_key, name="desk-key"),
    path("join/<str:token>/", desk.join, name="join"),
    path("healthz", views.healthz, name="healthz"),
]
