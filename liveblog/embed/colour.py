"""A publisher's colour, made readable on our background, light and dark."""

CONTRAST = 4.5
"""Of text on its ground: WCAG 2.2, 1.4.3."""

type Colour = tuple[int, int, int]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
LIGHT_GROUND: Colour = (0xF2, 0xEF, 0xE8)
"""The darkest ground that text stands on by day: --surface of site.css."""
DARK_GROUND: Colour = (0x21, 0x1D, 0x19)
"""The lightest one by night."""


def stylesheet(accent: str) -> str:
    """Return the style sheet for ``accent``, six hexadecimal digits: its own hue, as dark or light as can be read."""
    colour = (int(accent[0:2], 16), int(accent[2:4], 16), int(accent[4:6], 16))
    by_day = readable(colour, LIGHT_GROUND)
    by_night = readable(colour, DARK_GROUND)
    shades = f"light-dark({css(by_day)}, {css(by_night)})"
    inks = f"light-dark({css(ink_on(by_day))}, {css(ink_on(by_night))})"
    names = "".join(f"--{name}: {shades}; --{name}-ink: {inks}; " for name in ("accent", "live"))
    return f":root {{ {names}--focus: {shades}; }}\n"


def readable(colour: Colour, ground: Colour) -> Colour:
    """Return ``colour``, mixed with as much black or white as it needs to be readable on ``ground``."""
    end = BLACK if luminance(ground) > 0.18 else WHITE
    return next(
        mixed for mixed in (mix(colour, end, part / 100) for part in range(101)) if contrast(mixed, ground) >= CONTRAST
    )


def ink_on(ground: Colour) -> Colour:
    """Return black or white, whichever is easier to read on ``ground``."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, ground))


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Colour) -> float:
    """Return the relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(value / 255) for value in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mix(colour: Colour, end: Colour, part: float) -> Colour:
    """Return ``colour`` with ``part`` of ``end`` in it."""
    red, green, blue = (round(one + (other - one) * part) for one, other in zip(colour, end, strict=True))
    return red, green, blue


def css(colour: Colour) -> str:
    """Return a colour as CSS writes it."""
    return "#" + "".join(f"{value:02x}" for value in colour)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
