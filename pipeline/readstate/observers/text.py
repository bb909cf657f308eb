"""How figures and foreign text stand in a line that people read."""

import re

# Control characters, line ends of all kinds, marks that turn the direction of writing, and halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Make control characters of *text* visible: what Twilio or a file holds must not steer a terminal or a log."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def grouped(number: int) -> str:
    """*number* in groups of three digits: ``1 234 567``."""
    return f"{number:,}".replace(",", " ")


def counted(number: int, what: str) -> str:
    """*number* of *what*, in the plural where that is right: ``1 user``, ``2 000 users``."""
    return f"{grouped(number)} {what}{'' if number == 1 else 's'}"


def spoken_seconds(seconds: float) -> str:
    """*seconds* as people say them: ``42 s``, ``7 min``, ``2 h 3 min``."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
