"""The current updates as plain HTML for the pages of other sites, which search engines then count as theirs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.csp import CSP

from liveblog import rendering
from liveblog.addresses import ABSOLUTE
from liveblog.caching import cacheable
from liveblog.embed.options import Options
from liveblog.errors import plain_text
from liveblog.models import Event
from liveblog.public import find_event, public
from liveblog.stream import Selection, read_page

FRAGMENT_SECONDS = 5
PREFLIGHT_SECONDS = 86_400
STATE = "liveblog-state"
"""The hidden field in which a fragment says its state; htmx sends it back when it asks again."""
OWN_POLICY = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
"""The policy of a fragment that is opened by itself. On another page, that page's policy holds."""
HTMX_HEADERS = "HX-Boosted, HX-Current-URL, HX-Prompt, HX-Request, HX-Target, HX-Trigger, HX-Trigger-Name"


def fragment(request: HttpRequest, slug: str) -> HttpResponse:
    """Answer ``?order=&limit=&header=`` with the updates and a small style sheet, and preflight requests of htmx."""
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
        response["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response["Access-Control-Allow-Headers"] = HTMX_HEADERS
        response["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    else:
        response = _answer(request, slug)
    response["Access-Control-Allow-Origin"] = "*"
    return response


@public
def _answer(request: HttpRequest, slug: str) -> HttpResponse:
    event = find_event(request, slug)
    options, wrong = Options.from_query(request.GET.dict())
    if wrong:
        return plain_text(" ".join(wrong.values()), 400)
    shape = f"{options.order}-{options.limit}-{options.header:d}"
    state = f"{event.revision}-{event.changed_at.timestamp()}-{shape}"  # which an export keeps, unlike the edition
    if request.GET.get(STATE) == state:  # scripts never see a 304: browsers give them the cached 200
        response = HttpResponse(status=204)
    else:
        etag = f'"{event.edition}-{event.revision}-{shape}"'
        response = get_conditional_response(request, etag=etag) or _draw(request, event, options, state)
        response["ETag"] = etag
    response._csp_config = OWN_POLICY  # type: ignore[attr-defined]  # browsers take over a 304's policy
    response["Cache-Control"] = cacheable(FRAGMENT_SECONDS)
    return response


def _draw(request: HttpRequest, event: Event, options: Options, state: str) -> HttpResponse:
    page = read_page(event, Selection(options.order or event.opening_order), size=options.limit)
    context = {
        "event": event,
        "articles": [rendering.article(update) for update in page.updates],
        "summary": ABSOLUTE.in_text(event.summary_html, event),
        "address": ABSOLUTE.stream(event),
        "options": options,
        "state_name": STATE,
        "state": state,
    }
    response = render(request, "liveblog/embed/fragment.html", context)
    response["Content-Language"] = event.language
    return response


fragment.csrf_exempt = True  # type: ignore[attr-defined]
