"""The admin is for people and set-up; events and updates are only looked at here, and changed at the desk.

Whatever changes an update or an event takes a revision, so that open pages learn of it. The admin's
forms would not, and deleting would leave no tombstone.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from liveblog.models import Event, Update

admin.site.site_header = "Live blog: people and set-up"
admin.site.site_title = "Live blog"
admin.site.index_title = "People and set-up"


admin.site.unregister(User)


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """People. Who has written updates is kept; the account can be made inactive."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say that updates are protected, rather than that a permission for them is missing."""
        objects, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return objects, counts, set(lacking) - {Update._meta.verbose_name}, protected


class LookOnly(admin.ModelAdmin):
    """Shows rows and changes none."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False


@admin.register(Event)
class EventAdmin(LookOnly):
    """Events, with the way to their desks."""

    list_display = ("title", "status", "starts_at", "desk")
    list_filter = ("status",)
    search_fields = ("title", "slug")
    fields = (
        "desk", "title", "slug", "status", "summary", "starts_at", "ends_at", "ended_at", "time_zone",
        "language", "order", "people", "revision", "edition", "last_number", "pinned_number",
    )  # fmt: skip

    @admin.display(description="desk")
    def desk(self, event: Event) -> SafeString:
        """Link to where it is changed."""
        return format_html('<a href="{}">Open the desk</a>', reverse("desk", args=[event.slug]))

    @admin.display(description="people")
    def people(self, event: Event) -> str:
        """Name who may do what."""
        found = event.memberships.select_related("user").order_by("role", "user__username")
        return ", ".join(f"{member.user.get_username()} ({member.role})" for member in found)

    def view_on_site(self, event: Event) -> str | None:
        """Return the readers' page, where there is one."""
        return event.get_absolute_url() if event.is_public else None


@admin.register(Update)
class UpdateAdmin(LookOnly):
    """Updates, with the way to where they are edited."""

    list_display = ("title", "event", "number", "byline", "published_at", "withdrawn_at", "desk")
    list_filter = ("event__status", "is_key")
    list_select_related = ("event",)
    search_fields = ("headline", "body", "byline", "event__title")
    ordering = ("-pk",)
    fields = (
        "desk", "event", "number", "author", "byline", "headline", "body", "is_key",
        "posted_at", "published_at", "edited_at", "withdrawn_at", "revision", "key",
    )  # fmt: skip

    @admin.display(description="desk")
    def desk(self, update: Update) -> SafeString:
        """Link to where it is edited."""
        address = reverse("desk-update", args=[update.event.slug, update.number])
        return format_html('<a href="{}">Open at the desk</a>', address)

    def view_on_site(self, update: Update) -> str | None:
        """Return the update's own page, where there is one."""
        return update.get_absolute_url() if update.event.is_public and not update.withdrawn_at else None
