"""An account's own pages: its name, its password, and the ways back in for whoever forgot it."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm, SetPasswordMixin
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import password_validators_help_texts
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.contrib.auth.views import (
    PasswordChangeView,
    PasswordResetConfirmView,
    PasswordResetDoneView,
    PasswordResetView,
)
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.encoding import force_bytes
from django.utils.http import url_has_allowed_host_and_scheme, urlsafe_base64_encode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from liveblog import mail, markup
from liveblog.desk.access import (
    BACKEND,
    HEADERS,
    AuthorRequest,
    keep_fields,
    kept_address,
    kept_fields,
    read_or_write,
    sent_data,
    with_account,
)
from liveblog.desk.forms import status_of
from liveblog.desk.lockout import address_of_client
from liveblog.models import Attempt, is_guest, may_let_in
from liveblog.models.content import BYLINE_CHARACTERS

MAILS_TO_AN_ADDRESS = 5
MAILS_FROM_A_CLIENT = 20
"""How many links for a new password may be asked for in an hour."""
KEPT_CHARACTERS = 100_000
"""What we keep for somebody who is not signed in; the texts of an update are shorter."""


# The account of who is signed in.


class NameField(forms.CharField):
    """The name that readers see under what somebody posts."""

    def __init__(self) -> None:
        super().__init__(
            label="Name",
            max_length=BYLINE_CHARACTERS,
            help_text="Readers see it under what you post.",
            widget=forms.TextInput(attrs={"autocomplete": "name"}),
            error_messages={"required": "Give a name: readers see it."},
        )

    def to_python(self, value: Any) -> str:
        """Return the name in one line."""
        return markup.one_line(super().to_python(value) or "")


class AccountForm(forms.Form):
    """Name and address of an account. Who has the address can set the password, so changing it asks for that."""

    name = NameField()
    email = forms.EmailField(
        required=False, label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    password = forms.CharField(
        required=False,
        strip=False,
        label="Your password",
        help_text="Needed to change the address.",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        self.user = user
        super().__init__(data, initial={"name": user.get_full_name() or user.get_username(), "email": user.email})
        if mail.is_on():
            self.fields["email"].help_text = "A link comes there if you forget your password."

    def clean(self) -> dict[str, Any]:
        """Check the password if the address is another."""
        sent = super().clean() or self.cleaned_data
        if sent.get("email", self.user.email) != self.user.email and not self.user.check_password(sent["password"]):
            self.add_error("password", "This is not your password. It is needed to change the address.")
        return sent

    def save(self) -> None:
        """Store what has changed."""
        if "name" in self.changed_data:
            self.user.first_name, self.user.last_name = self.cleaned_data["name"], ""
        self.user.email = self.cleaned_data["email"]
        self.user.save(update_fields=["first_name", "last_name", "email"])


@never_cache
@sensitive_post_parameters()
@read_or_write
@with_account
def account(request: AuthorRequest) -> HttpResponse:
    """Show and change the name and the address of the account that is signed in."""
    form = AccountForm(sent_data(request), user=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("account")
    return render(request, "registration/account.html", {"form": form}, status=status_of(form))


class SaidRules(SetPasswordMixin):
    """Says the rules of passwords in sentences, and what breaks them at the password instead of its repetition."""

    passwords = ("new_password1", "new_password2")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        first, second = (self.fields[name] for name in self.passwords)  # type: ignore[attr-defined]  # a form has them
        first.help_text = " ".join(password_validators_help_texts())
        second.label, second.help_text = "The same password again", ""

    def validate_password_for_user(self, user: Any, password_field_name: str = "") -> None:
        super().validate_password_for_user(user, self.passwords[0])


class ChangeForm(SaidRules, PasswordChangeForm):
    """The old password and a new one."""


class ChangePassword(PasswordChangeView):
    """Django's own: this session goes on, all others of the account end."""

    form_class = ChangeForm
    template_name = "registration/password.html"
    success_url = reverse_lazy("account")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Wherever else you were signed in, you are no longer.")
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


change_password = never_cache(read_or_write(with_account(ChangePassword.as_view())))


# A forgotten password: a link by mail.


class ResetForm(PasswordResetForm):
    """An address to which links are sent for the accounts that have it, guests' excepted."""

    email = forms.EmailField(
        max_length=254, label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    def messages(self) -> list[EmailMessage]:
        """Return the mails to be sent; none if this address has had enough of them."""
        email = self.cleaned_data["email"]
        if not Attempt.objects.allow("password to", email.casefold(), most=MAILS_TO_AN_ADDRESS):
            return []
        return [_compose(user) for user in self.get_users(email) if not is_guest(user)]


def _compose(user: User) -> EmailMessage:
    link = settings.BASE_URL + _link("password_reset_confirm", user, default_token_generator)
    body = render_to_string("registration/reset.txt", {"user": user, "link": link, "site_name": settings.SITE_NAME})
    return mail.compose(to=user.email, subject=f"A new password for {settings.SITE_NAME}", body=body)


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class ResetPassword(PasswordResetView):
    """Django's own; the answer is the same, and as quick, whether an account has the address or none.

    What was written when the sign-in was asked for is kept in this browser's session, for the desk it was meant for.
    """

    form_class = ResetForm
    template_name = "registration/reset.html"
    success_url = reverse_lazy("password_reset_done")

    def post(self, request: HttpRequest, *args: Any, **address: Any) -> HttpResponse:
        """Send the links; without an address, the page of the sign-in led here with what it carries."""
        if "email" in request.POST and mail.is_on():
            return super().post(request, *args, **address)
        return self.render_to_response(self.get_context_data(form=self.form_class()))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        kept = kept_fields(self.request)
        return super().get_context_data(**context) | {"is_on": mail.is_on(), "kept": kept, "next": self._desk()}

    def form_valid(self, form: Any) -> HttpResponse:
        if not Attempt.objects.allow("passwords from", address_of_client(self.request), most=MAILS_FROM_A_CLIENT):
            form.add_error(None, "This was asked for too often from where you are. Try again in an hour.")
            return self._refuse(form, 429)
        try:
            connection = mail.connect()
        except mail.MailFailed:
            form.add_error(None, "The mail server does not answer, so no link was sent. Try again in a few minutes.")
            return self._refuse(form, 503)
        mail.send_soon(connection, form.messages())
        if sum(map(len, kept_fields(self.request).values())) <= KEPT_CHARACTERS:
            desk = self._desk() or settings.LOGIN_REDIRECT_URL
            keep_fields(self.request, desk, email=form.cleaned_data["email"])
        return redirect(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        return self._refuse(form, 422)

    def _refuse(self, form: Any, status: int) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=status)

    def _desk(self) -> str:
        """Return the path of the desk to which the sign-in was to lead; empty if it is none of ours."""
        asked = self.request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(asked, {self.request.get_host()})
        return urlsplit(asked).path if is_ours and asked.startswith(reverse("desks")) else ""


class ResetSent(PasswordResetDoneView):
    """Says that a link is on its way, if there is such an account."""

    template_name = "registration/reset_sent.html"


# Choosing a new password by a link.


class ChooseForm(SaidRules, SetPasswordForm):
    """A new password."""


class ChoosePassword(PasswordResetConfirmView):
    """Django's own, which takes the secret out of the address at once; whoever chose is signed in, here alone."""

    form_class = ChooseForm
    template_name = "registration/choose.html"
    post_reset_login = True
    post_reset_login_backend = BACKEND

    def dispatch(self, *args: Any, **address: Any) -> HttpResponseBase:
        response = super().dispatch(*args, **address)
        for name, value in HEADERS.items():
            response[name] = value
        return response

    def get_user(self, uidb64: str) -> Any:
        """Return whose password it is; neither a guest's nor that of an account that was closed."""
        user: Any = super().get_user(uidb64)
        return user if user is not None and user.is_active and not is_guest(user) else None

    def get_success_url(self) -> str:
        """Lead to the desk where what was written is put into the form again."""
        return kept_address(self.request) or settings.LOGIN_REDIRECT_URL

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your new password holds, and you are signed in.")
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def render_to_response(self, context: Any, **options: Any) -> Any:
        return super().render_to_response(context, **({} if self.validlink else {"status": 404}) | options)


# A forgotten password: a link by an owner.


class OwnersToken(PasswordResetTokenGenerator):
    """Tokens that hold once, for a day, in links of one owner alone."""

    key_salt = "liveblog.desk.accounts.OwnersToken"

    def __init__(self, by: int) -> None:
        super().__init__()
        self._by = by

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}by{self._by}"


def password_link(*, by: User, user: User) -> str:
    """Return the path by which ``user`` chooses a new password, made by an owner: see ``may_let_in``."""
    return _link("password-link", user, OwnersToken(by.pk), by=by.pk)


class ChooseByOwnersLink(ChoosePassword):
    """A link opens only while its maker may still make it: whoever gained in standing since is out of their reach."""

    def dispatch(self, *args: Any, by: int, **address: Any) -> HttpResponseBase:
        self.by, self.token_generator = by, OwnersToken(by)
        return super().dispatch(*args, **address)

    def get_user(self, uidb64: str) -> Any:
        user, maker = super().get_user(uidb64), User.objects.filter(pk=self.by).first()
        return user if user is not None and maker is not None and may_let_in(maker, user) else None


def _link(name: str, user: User, generator: PasswordResetTokenGenerator, **more: Any) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse(name, kwargs={"uidb64": uid, "token": generator.make_token(user), **more})
