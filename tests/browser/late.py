"""Answers that the server gives at once and a page gets later, when the test says so."""

from playwright.sync_api import APIResponse, Frame, Page, Route

from tests.browser.reading import until


class LateAnswers:
    """Holds back the answers to requests whose address contains ``part``, until ``deliver()``.

    The server has read the database when ``wait()`` returns: what changes from then on is newer than the answer.
    """

    def __init__(self, page: Page, part: str) -> None:
        self._page = page
        self._part = part
        self._is_delivering = False
        self._held: list[tuple[Route, APIResponse]] = []
        page.route(self._is_held, self._hold)

    def wait(self, count: int = 1) -> None:
        """Wait until so many answers are held back."""
        until(self._page, lambda: len(self._held) >= count)

    def deliver(self) -> None:
        """Let the page have what was held back, and everything from now on at once."""
        self._is_delivering = True
        for route, answer in self._held:
            route.fulfill(response=answer)
        self._page.unroute(self._is_held, self._hold)

    def _is_held(self, address: str) -> bool:
        return self._part in address and not self._is_delivering

    def _hold(self, route: Route) -> None:
        answer = route.fetch()
        if self._is_delivering:  # it was asked for before, and came only now
            route.fulfill(response=answer)
        else:
            self._held.append((route, answer))


def arrived(place: Page | Frame) -> bool:
    """Whether nothing is loading in the stream any more."""
    return place.locator("#feed:not([aria-busy=true])").count() > 0
