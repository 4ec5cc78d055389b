"""How long shared caches and browsers may keep an answer."""


def cacheable(seconds: int, *, browser_seconds: int = 0) -> str:
    """Return the ``Cache-Control`` for what shared caches may keep so long; browsers ask each time unless told."""
    # Without the zeros varnish answered six seconds stale (measured).
    return f"public, max-age={browser_seconds}, s-maxage={seconds}, stale-while-revalidate=0, stale-if-error=0"
