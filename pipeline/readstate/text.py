"""Text from Twilio or from a file is data: make what cannot be seen visible, so that it steers nothing."""


def visible(text: str) -> str:
    """Write every character that cannot be seen, or could move a cursor or turn a line around, as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )
