"""Every address of the service."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from liveblog.desk.access import SignIn

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("", include("liveblog.urls")),
]

handler400 = "liveblog.errors.bad_request"
handler403 = "liveblog.errors.forbidden"
handler404 = "liveblog.errors.not_found"
handler500 = "liveblog.errors.failed"
