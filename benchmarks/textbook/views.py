"""The poll, and the author's POST."""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from benchmarks.textbook.models import Event, Update


class UpdateForm(forms.ModelForm):
    """What an author sends."""

    class Meta:
        model = Update
        fields = ("headline", "body")


@require_GET
def changes(request: HttpRequest, slug: str) -> HttpResponse:
    """Render the updates that are newer than ``?after=``."""
    event = get_object_or_404(Event, slug=slug)
    updates = event.updates.filter(pk__gt=request.GET.get("after", 0)).select_related("author")
    return render(request, "textbook/changes.html", {"event": event, "updates": updates})


@login_required
@require_POST
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Save an update and send its card to everyone in the event's group."""
    event = get_object_or_404(Event, slug=slug)
    form = UpdateForm(request.POST)
    if not form.is_valid():
        return HttpResponse(form.errors.as_ul(), status=422)
    form.instance.event = event
    form.instance.author = request.user
    update = form.save()
    html = render_to_string("textbook/card.html", {"event": event, "update": update})
    channel_layer = get_channel_layer()
    async_to_sync(channel_layer.group_send)(f"event_{event.slug}", {"type": "update.published", "html": html})
    return HttpResponse(html)
