"""What can be done with a published update: edit, withdraw, restore, pin, mark as key moment, erase."""

from datetime import datetime
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from liveblog.desk.access import AuthorRequest, View, deny, desk_of, pace, read_or_write, sent_data
from liveblog.desk.forms import CONFLICT, PostForm, WallClockField, carry_out, read_in_zone, status_of, wall_clock
from liveblog.desk.html_in_texts import BECAME_MARKDOWN, text_to_edit
from liveblog.desk.page import address_of, query_of, redirect_whole_page, refuse, show_updates
from liveblog.desk.queue import WAITS
from liveblog.desk.waiting import show_queue
from liveblog.models import Attachment, Event, Overtaken, Role, Update, Waiting, byline_of
from liveblog.models.content import NOTE_CHARACTERS
from liveblog.models.json_fields import Correction, parse_name_and_alt, parse_readable
from liveblog.models.post import Post
from liveblog.models.update import ERASED

GREATEST_REVISION = 2**53 - 1


class EditForm(PostForm):
    """The text, time and photos of an update, and a note for readers that says what was corrected.

    ``revision`` is that of the update when the form was opened.
    """

    at = WallClockField(required=False, label="Time")
    correction = forms.CharField(
        required=False,
        max_length=NOTE_CHARACTERS,
        label="Correction note",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    revision = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=GREATEST_REVISION,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "This form was damaged. Open it again."},
    )

    waiting_version = forms.IntegerField(required=False, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))
    """Of the edit that waits already, which the form goes on with."""

    def __init__(self, update: Update, data: QueryDict | None = None, *, role: Role, is_proposal: bool = False) -> None:
        pending = update.edits.filter(rejected_at=None).first() if is_proposal else None
        self.post: Update | Waiting = pending or update
        self.update = update
        self.role = role
        self.is_proposal = is_proposal
        self.time_shown = wall_clock(update.published_at, update.event.zone)
        initial = {
            "headline": self.post.headline,
            "body": text_to_edit(self.post.body, self.post.body_html),
            "at": self.time_shown,
            "revision": update.revision,
            "waiting_version": pending and pending.version,
        }
        super().__init__(data, initial=initial, auto_id=f"edit-{update.number}-%s")
        self.fields["body"].widget.attrs["rows"] = 8
        if initial["body"] != self.post.body:
            self.fields["body"].help_text = BECAME_MARKDOWN
        self.fields["at"].help_text = f"Where it stands in the stream. Clocks in {update.event.zone.key}."
        if is_proposal or not update.is_correctable:
            del self.fields["correction"]
        if is_proposal:
            del self.fields["at"]

    def notes(self) -> list[tuple[Correction, str]]:
        """Return the corrections that readers see, each with the words that stand in the form."""
        if self.is_proposal:
            return []
        typed = self._typed_notes()
        return [(one, typed.get(one.at, one.note)) for one in self.update.readable_corrections]

    def _typed_notes(self) -> dict[datetime, str]:
        """Return the words for earlier corrections by their times: fields ``noted`` and ``note``, once for each."""
        if not self.is_bound:
            return {}
        times, notes = self.data.getlist("noted"), self.data.getlist("note")
        known = {one.written_at: one.at for one in self.update.readable_corrections}
        return {known[at]: note for at, note in zip(times, notes, strict=False) if at in known}

    def edit(self, request: AuthorRequest) -> None:
        """Save what was sent; raises ``Overtaken``, ``TooMany``, ``ValidationError``."""
        pace(request)
        sent: dict[str, Any] = {name: self.cleaned_data[name] for name in ("headline", "body") if name in self.data}
        if self.cleaned_data["at"] and self.data["at"] != self.time_shown:
            if not self.role.may(Role.EDITOR):
                raise ValidationError({"published_at": "Only an editor can change the time of what is published."})
            at = sent["published_at"] = read_in_zone(self.cleaned_data["at"], self.update.event.zone)
            try:
                self.question_time(at, self.update.event)
            except ValidationError as error:
                raise ValidationError({"published_at": error}) from error
        if self.has_photos:
            sent["photos"] = self.attachments()
        self.update.edit(
            **sent,
            correction=self.cleaned_data.get("correction", ""),
            notes=self._typed_notes(),
            revision=self.cleaned_data["revision"],
            editor=request.user,
        )

    def propose(self, request: AuthorRequest) -> Waiting | None:
        """Send it to an editor, and return what waits; ``None`` if nothing has changed. Raises as ``edit()`` does."""
        pace(request)
        sent = {name: self.cleaned_data[name] for name in ("headline", "body")}
        photos = self.attachments() if self.has_photos else None
        revision = self.cleaned_data["revision"]
        version = self.cleaned_data["waiting_version"]
        return Waiting.propose(
            self.update, author=request.user, photos=photos, revision=revision, version=version, **sent
        )

    def keep_for(self, now: Post) -> None:
        """Keep what was typed, so that sending it again replaces what was changed meanwhile."""
        self.data = self.data.copy()
        if isinstance(now, Update):
            self.data["revision"] = str(now.revision)
        elif isinstance(now, Waiting):
            self.data["waiting_version"] = str(now.version)


class PutBackForm(forms.Form):
    """Which version an update is to say again, and at which revision its text was looked at."""

    version = forms.IntegerField(min_value=1)
    revision = forms.IntegerField(min_value=0)

    def put_back(self, update: Update, *, editor: User) -> None:
        """Make it the present text again; what it says now is kept as one more version. Raises ``ValidationError``."""
        kept = update.versions.filter(number=self.cleaned_data["version"]).first()
        if kept is None:
            raise ValidationError("There is no such version.")
        keys = dict(update.photo_rows.values_list("name", "key"))
        photos = parse_readable(kept.photos, parse_name_and_alt)
        try:
            update.edit(
                headline=kept.headline,
                body=kept.body,
                photos=[Attachment(keys[name], alt) for name, alt in photos if name in keys],
                editor=editor,
                revision=self.cleaned_data["revision"],
            )
        except Overtaken as error:
            raise ValidationError("It was changed meanwhile, and was left as it is now. Look at it again.") from error


class PurgeForm(forms.Form):
    """The update's number, typed by who erases it, so that nobody does so by accident."""

    number = forms.CharField(
        required=False,
        label="The update’s number",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, update: Update, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.update = update

    def clean_number(self) -> str:
        typed = str(self.cleaned_data["number"]).strip()
        if typed != str(self.update.number):
            raise ValidationError(f"Type {self.update.number} if update {self.update.number} is to be erased.")
        return typed


class SwitchForm(forms.Form):
    """Whether something is to be on or off."""

    on = forms.TypedChoiceField(
        choices=(("1", "on"), ("0", "off")),
        coerce=lambda text: text == "1",
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Say whether it is to be on: 1 or 0."),
    )


def with_changeable_update(view: View) -> View:
    """Hand the view the update with the given number, for those who may change it."""

    @desk_of(Role.CONTRIBUTOR)
    @wraps(view)
    def checked(request: AuthorRequest, event: Event, number: int) -> HttpResponseBase:
        update = get_object_or_404(event.updates, number=number)
        if not update.may_be_changed_by(request.user, request.role):
            return deny(request, Role.EDITOR)
        return view(request, update)

    return checked


@never_cache
@read_or_write
@desk_of(Role.CONTRIBUTOR)
def edit(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Change an update's text, time and photos; what somebody else has saved meanwhile is shown, not overwritten.

    Of somebody whose posts an editor approves the edit waits, and readers keep what was approved.
    """
    update = get_object_or_404(event.updates, number=number)
    is_proposal = not update.may_be_changed_by(request.user, request.role)
    if is_proposal and not update.waits_when_edited_by(request.user, request.role):
        return deny(request, Role.EDITOR)
    if update.erased_at:
        return refuse(request, update.event, ERASED)
    form = EditForm(update, sent_data(request), role=request.role, is_proposal=is_proposal)
    if step := request.POST.get("step"):
        form.move_photo(step)
        return _show_form(request, form)
    try:
        waiting = carry_out(form, lambda: form.propose(request) if is_proposal else form.edit(request))
    except Overtaken as error:
        return _show_both(request, form, error.update)
    if form.is_bound and not form.errors and is_proposal:
        message = f"Saved. {WAITS} Until then readers keep the present text." if waiting else "Nothing has changed."
        return show_queue(request, event, message, update=update)
    if form.is_bound and not form.errors:
        return show_updates(request, form, update, "Saved.")
    return _show_form(request, form, has_errors=form.is_bound, status=status_of(form))


def _show_both(request: AuthorRequest, form: EditForm, theirs: Post) -> HttpResponse:
    """Show what somebody else has saved meanwhile, in the update or its waiting edit, above what was written here."""
    form.keep_for(theirs)
    by = byline_of(theirs.version_by or theirs.author) if isinstance(theirs, Update) else "Somebody else"
    return _show_form(request, form, status=409, theirs=theirs, by=by)


def _show_form(request: AuthorRequest, form: EditForm, *, status: int = 200, **more: Any) -> HttpResponse:
    edits = form.update.edits.filter(rejected_at=None)
    context = {
        "event": form.update.event,
        "update": form.update,
        "edit_waits_by": "" if form.is_proposal else ", ".join(edits.values_list("byline", flat=True)),
        "form": form,
        "query": query_of(request),
        "desk": address_of(request, form.update),
        "in_place": bool(request.htmx),
    } | more
    template = "liveblog/desk/update.html" + ("#editing" if request.htmx else "")
    return render(request, template, context, status=status)


@never_cache
@require_POST
@with_changeable_update
def withdraw(request: AuthorRequest, update: Update) -> HttpResponse:
    """Withdraw an update: readers no longer see it."""
    form = forms.Form(request.POST)
    carry_out(form, lambda: update.withdraw(by=request.user), code=CONFLICT)
    return show_updates(request, form, update, "Withdrawn. Readers no longer see it.", just_withdrawn=True)


@never_cache
@require_POST
@with_changeable_update
def restore(request: AuthorRequest, update: Update) -> HttpResponse:
    """Restore a withdrawn update: readers see it again."""
    form = forms.Form(request.POST)
    carry_out(form, update.restore, code=CONFLICT)
    return show_updates(request, form, update, "Restored.")


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def pin(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Pin an update to the top of the page, or unpin it."""
    update = get_object_or_404(event.updates, number=number)
    before = event.updates.filter(number=event.pinned_number or 0).exclude(number=number).first()
    form = SwitchForm(request.POST)

    def pin_or_unpin() -> None:
        if form.cleaned_data["on"]:
            event.pin(update=update)
        elif update.is_pinned:
            event.unpin()

    carry_out(form, pin_or_unpin, code=CONFLICT)
    return show_updates(request, form, update, "Pinned." if update.is_pinned else "No longer pinned.", also=before)


@never_cache
@require_POST
@desk_of(Role.EDITOR)
def mark_key(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Mark an update as a key moment, or unmark it."""
    update = get_object_or_404(event.updates, number=number)
    form = SwitchForm(request.POST)
    carry_out(form, lambda: update.mark_key(is_key=form.cleaned_data["on"]), code=CONFLICT)
    return show_updates(request, form, update, "Now a key moment." if update.is_key else "No longer a key moment.")


@never_cache
@read_or_write
@desk_of(Role.OWNER)
def purge(request: AuthorRequest, event: Event, number: int) -> HttpResponse:
    """Ask for the update's number, then erase its text and photos wherever this service keeps them."""
    update = get_object_or_404(event.updates, number=number)
    form = PurgeForm(update, sent_data(request))
    carry_out(form, update.purge)
    if form.is_bound and not form.errors:
        messages.success(request, f"Update {number} was erased.")
        return redirect_whole_page(request, address_of(request, update))
    context = {
        "event": event,
        "update": update,
        "form": form,
        "photos": update.photo_rows.count(),
        "desk": address_of(request, update),
    }
    return render(request, "liveblog/desk/purge.html", context, status=status_of(form))
