"""The desk as an app on a phone: its service worker, its manifest, and the address that other apps share to."""

import hashlib
import json

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

_KEPT_FILES = ("css/", "js/", "img/icon", "django_htmx/htmx-2.min")
"""How the names of static files begin that the desk needs without a network."""


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Send the service worker; it names this release's files, so that browsers see a new worker in each release."""
    files = _release_files()
    release = hashlib.sha256(" ".join(files).encode()).hexdigest()[:12]
    page = render_to_string("liveblog/desk/offline.html")
    setting = json.dumps({"release": release, "files": files, "page": page})
    script = f"self.desk = {setting};\nimportScripts({json.dumps(static('js/desk/worker.js'))});\n"
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Send the manifest with which a phone installs the desk."""
    icons = [
        {"src": static("img/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        *(
            {"src": static(f"img/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
            for size in (192, 512)
        ),
        {"src": static("img/icon-maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    files = {"name": "photos", "accept": ["image/*", ".heic", ".heif", ".avif"]}
    described = {
        "id": "/desk/",
        "name": "Liveblog desk",
        "short_name": "Desk",
        "description": "Post to a live blog from a phone, with any network or none.",
        "start_url": reverse("desks"),
        "scope": reverse("desks"),
        "display": "standalone",
        "background_color": "#fcfaf6",
        "theme_color": "#fcfaf6",
        "icons": icons,
        "share_target": {
            "action": reverse("share"),
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"title": "title", "text": "text", "url": "url", "files": [files]},
        },
    }
    headers = {"Cache-Control": "no-cache"}
    return JsonResponse(described, content_type="application/manifest+json", headers=headers)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest) -> HttpResponse:
    """Explain that the service worker, which takes what is shared, is missing; what is sent here isn't read."""
    return render(request, "liveblog/desk/share.html")


def _release_files() -> list[str]:
    """Return the addresses of the files to keep; none if their names don't change with their content."""
    names = getattr(staticfiles_storage, "hashed_files", {})
    return sorted(static(name) for name in names if name.startswith(_KEPT_FILES))
