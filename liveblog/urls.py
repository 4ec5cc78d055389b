"""Every address of the service but the poll and the sockets, which config/asgi.py routes."""

from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from liveblog import desk, embed, syndication, views


class PhotoName(StringConverter):
    """The random name of a photo's files."""

    regex = "[0-9a-f]{32}"


register_converter(PhotoName, "photo")

urlpatterns = [
    path("", views.index, name="index"),
    path("events/<slug:slug>/", views.event, name="event"),
    path("events/<slug:slug>/changes/", views.changes, name="changes"),
    path("events/<slug:slug>/photos/<photo:name>-<int:width>.webp", views.photo, name="photo"),
    path("events/<slug:slug>/updates/<int:number>/", views.update, name="update"),
    path("events/<slug:slug>/embed/", embed.event, name="embed"),
    path("events/<slug:slug>/embed/code/", embed.code, name="embed-code"),
    path("events/<slug:slug>/updates/<int:number>/embed/", embed.update, name="embed-update"),
    path("events/<slug:slug>/fragment/", embed.fragment, name="fragment"),
    re_path(r"^embed/accent-(?P<accent>[0-9a-f]{6})\.css$", embed.accent, name="embed-accent"),
    path("events/<slug:slug>/feed.atom", syndication.event_atom, name="feed-atom"),
    path("events/<slug:slug>/feed.json", syndication.event_json, name="feed-json"),
    path("events/<slug:slug>/social-<int:revision>.jpg", syndication.social_card, name="social-card"),
    path("feed.atom", syndication.all_atom, name="all-atom"),
    path("feed.json", syndication.all_json, name="all-json"),
    path("sitemap.xml", syndication.sitemap, name="sitemap"),
    path("sitemap-events.xml", syndication.sitemap_events, name="sitemap-events"),
    path("sitemap-updates-<int:part>.xml", syndication.sitemap_updates, name="sitemap-updates"),
    path("robots.txt", syndication.robots, name="robots"),
    path("favicon.ico", syndication.favicon, name="favicon"),
    path("embed.js", embed.script, name="embed-script"),
    path("oembed/", embed.oembed, name="oembed"),
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
    path("desk/<slug:slug>/people/<int:user_id>/password/", desk.let_in, name="desk-let-in"),
    path("desk/<slug:slug>/colleagues/", desk.invite_colleague, name="desk-colleagues"),
    path("desk/<slug:slug>/invitations/", desk.invite, name="desk-invitations"),
    path("desk/<slug:slug>/invitations/<int:pk>/revocation/", desk.revoke, name="desk-revocation"),
    path("desk/<slug:slug>/waiting/<uuid:key>/", desk.waiting, name="desk-waiting"),
    path("desk/<slug:slug>/waiting/<uuid:key>/publication/", desk.publish_waiting, name="desk-publication"),
    path("desk/<slug:slug>/waiting/<uuid:key>/rejection/", desk.reject_waiting, name="desk-rejection"),
    path("desk/<slug:slug>/photos/", desk.add_photo, name="desk-photos"),
    path("desk/<slug:slug>/photos/<photo:name>-<int:width>.webp", desk.photo, name="desk-photo"),
    path("desk/<slug:slug>/changes/", desk.changes, name="desk-changes"),
    path("desk/<slug:slug>/departure/", desk.departure, name="desk-departure"),
    path("desk/<slug:slug>/render/", desk.preview_markdown, name="desk-render"),
    path("desk/<slug:slug>/pause/", desk.pause, name="desk-pause"),
    path("desk/<slug:slug>/archive/", desk.archive, name="desk-archive"),
    path("desk/<slug:slug>/archive/site.zip", desk.frozen, name="desk-frozen"),
    path("desk/<slug:slug>/archive/export.zip", desk.exported, name="desk-export"),
    path("desk/<slug:slug>/deletion/", desk.deletion, name="desk-deletion"),
    path("desk/<slug:slug>/updates/", desk.publish, name="desk-updates"),
    path("desk/<slug:slug>/updates/<int:number>/", desk.edit, name="desk-update"),
    path("desk/<slug:slug>/updates/<int:number>/versions/", desk.versions, name="desk-versions"),
    path("desk/<slug:slug>/updates/<int:number>/purge/", desk.purge, name="desk-purge"),
    path("desk/<slug:slug>/updates/<int:number>/withdrawal/", desk.withdraw, name="desk-withdrawal"),
    path("desk/<slug:slug>/updates/<int:number>/restoration/", desk.restore, name="desk-restoration"),
    path("desk/<slug:slug>/updates/<int:number>/pin/", desk.pin, name="desk-pin"),
    path("desk/<slug:slug>/updates/<int:number>/key/", desk.mark_key, name="desk-key"),
    path("accounts/", desk.account, name="account"),
    path("accounts/password/", desk.change_password, name="password_change"),
    path("accounts/reset/", desk.ResetPassword.as_view(), name="password_reset"),
    path("accounts/reset/sent/", desk.ResetSent.as_view(), name="password_reset_done"),
    path("accounts/reset/<uidb64>/<token>/", desk.ChoosePassword.as_view(), name="password_reset_confirm"),
    path("accounts/link/<int:by>/<uidb64>/<token>/", desk.ChooseByOwnersLink.as_view(), name="password-link"),
    path("join/<str:token>/", desk.join, name="join"),
]
