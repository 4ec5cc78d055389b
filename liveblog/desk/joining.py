"""Coming in by an invitation: as a guest, or with an account that one has or makes."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from liveblog import mail
from liveblog.desk.access import BACKEND, HEADERS, DeskRequest, read_or_write, sent_data
from liveblog.desk.accounts import NameField, SaidRules
from liveblog.desk.forms import CONFLICT, carry_out, reasons_of, status_of
from liveblog.models import Invitation, is_guest


class NewAccountForm(SaidRules, UserCreationForm):
    """The account of somebody who was invited; they choose its name and password."""

    first_name = NameField()
    email = forms.EmailField(
        required=False, label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    passwords = ("password1", "password2")

    class Meta(UserCreationForm.Meta):
        fields = ("first_name", "username", "email")

    def __init__(self, data: Any = None, *, invitation: Invitation) -> None:
        name = "" if invitation.email else invitation.name
        super().__init__(data, initial={"first_name": name, "email": invitation.email})
        self.fields["username"].label = "User name"
        self.fields["username"].help_text = "To sign in with: letters, digits and @ . + - _"
        self.fields["username"].widget.attrs |= {
            "autofocus": False, "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false",
        }  # fmt: skip
        if mail.is_on():
            self.fields["email"].help_text = "A link comes there if you forget your password."


@never_cache
@sensitive_post_parameters()
@read_or_write
def join(request: DeskRequest, token: str) -> HttpResponse:
    """Show what an invitation is for, since machines open links too; a POST lets its bearer in."""
    invitation = Invitation.find(token)
    if invitation is None:
        response = _show_invitation(request, {}, status=404)
    elif invitation.guest_id is not None:
        response = _join_as_guest(request, invitation)
    elif "sign-in" in request.POST:
        response = _sign_in_first(request)
    elif request.user.is_authenticated and not is_guest(request.user):
        response = _take_role(request, invitation)
    else:
        response = _make_account(request, invitation)
    for name, value in HEADERS.items():
        response[name] = value
    return response


def _join_as_guest(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    guest = invitation.guest
    assert guest is not None
    if request.method != "POST":
        is_other = request.user.is_authenticated and request.user.pk != guest.pk
        context = {"invitation": invitation, "is_other": is_other, "is_guest": is_guest(request.user)}
        return _show_invitation(request, context)
    login(request, guest, backend=BACKEND)
    request.session.set_expiry(invitation.expires_at)
    invitation.use()
    return redirect("desk", invitation.event.slug)


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    """Ask for the account that is to have the role; the secret address stays in the form, out of other addresses."""
    context = {"form": AuthenticationForm(request), "next": request.path, "kept": {}, "is_invited": True}
    return render(request, "registration/login.html", context)


def _take_role(request: DeskRequest, invitation: Invitation) -> HttpResponse:
    """Give the role to the account that is signed in."""
    form = forms.Form(sent_data(request))
    held = invitation.event.role_of(request.user)  # type: ignore[arg-type]  # it is signed in
    carry_out(form, lambda: invitation.accept(user=request.user), code=CONFLICT)  # type: ignore[arg-type]
    if form.is_bound and not form.errors:
        return _welcome(request, invitation)
    context = {"invitation": invitation, "has_account": True, "held": held, "refusal": reasons_of(form)}
    return _show_invitation(request, context, status=status_of(form))


def _make_account(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Make an account with the role and sign in with it; the password is hashed before the event is held."""
    form = NewAccountForm(sent_data(request), invitation=invitation)
    user = form.save(commit=False) if form.is_valid() else None
    if user is not None:
        carry_out(form, lambda: invitation.accept(user=user))
    if user is not None and not form.errors:
        login(request, user, backend=BACKEND)
        return _welcome(request, invitation)
    return _show_invitation(request, {"invitation": invitation, "form": form}, status=status_of(form))


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    messages.success(request, f"You are {invitation.get_role_display().lower()} of this event now.")
    return redirect("desk", invitation.event.slug)


def _show_invitation(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return render(request, "liveblog/desk/join.html", context, status=status)
