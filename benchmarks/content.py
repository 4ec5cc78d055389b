"""What is in both databases: the same person, the same events, the same texts."""

USERNAME = "ada"
PASSWORD = "correct horse battery staple"
HEADLINE = "Waiting for the tug at the harbour wall"
BODY = (
    "The harbour master says that the tug has left its berth and will be alongside within a quarter of an hour. "
    "About two hundred people stand on the pier by now, most of them with children.\n\n"
    "The wind has dropped, and it has stopped raining. We have asked the shipping line when the passengers may leave."
)
UPDATES = 100
MANY_UPDATES = 20_000
KEY_MOMENTS = 10
"""The same number in the short and in the long event, so that both pages show the same."""

FANOUT = "fan-out"
POLL = "poll"
POST = "post"
QUIET = "quiet"
SHORT = "short"
LONG = "long"
SPREAD = "spread"
EVENTS = (FANOUT, POLL, POST, QUIET, SHORT, LONG, SPREAD)
OURS = tuple(f"{slug}:{MANY_UPDATES if slug == LONG else UPDATES}" for slug in EVENTS)
"""The events for the measures, and how many updates each has."""
