"""Changing what an update says: in its place on the desk, or on a page of its own."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache

from liveblog.desk.doors import AuthorRequest, desk_of, is_htmx, not_yours, read_or_write
from liveblog.desk.page import address_of, done, query_of, refuse
from liveblog.forms import EditForm
from liveblog.forms.fields import status_of
from liveblog.models import Event, Overtaken, Role, Update, byline_of
from liveblog.models.update import ERASED


@never_cache
@read_or_write
@desk_of(Role.CONTRIBUTOR)
def edit(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Change an update's text, time and photos; what somebody else wrote meanwhile is shown, not overwritten."""
    update = get_object_or_404(event.updates, number=number)
    if not update.may_be_changed_by(request.user, request.role):
        return not_yours(request, Role.EDITOR)
    if update.erased_at:
        return refuse(request, event, ERASED)
    if request.method != "POST":
        return _form(request, update, EditForm(update))
    form = EditForm(update, request.POST)
    if step := request.POST.get("step"):
        form.step(step)
        return _form(request, update, form, has_stepped=True)
    try:
        is_saved = form.edit(editor=request.user)
    except Overtaken as error:
        theirs = event.updates.select_related("author", "version_by").get(pk=error.update.pk)
        form.go_on_from(theirs)
        by = byline_of(theirs.version_by or theirs.author)
        return _form(request, update, form, status=409, theirs=theirs, by=by)
    return done(request, update, "Saved.") if is_saved else _form(request, update, form, status=status_of(form))


def _form(
    request: AuthorRequest, update: Update, form: EditForm, *, status: int = 200, has_stepped: bool = False, **more: Any
) -> HttpResponse:
    """Give the form, with everything that was written in it."""
    context = {
        "event": update.event,
        "update": update,
        "form": form,
        "has_errors": bool(form.is_bound and not has_stepped and form.errors),
        "query": query_of(request),
        "desk": address_of(request, update),
        "in_place": is_htmx(request),
    } | more
    template = "liveblog/desk/update.html" + ("#editing" if is_htmx(request) else "")
    return render(request, template, context, status=status)
