"""Text of strangers on one line. Pure."""

import unicodedata


def one_line(text: str, longest: int) -> str:
    """Without control characters and line breaks, spaces single, and cut."""
    plain = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    return " ".join(plain.split())[:longest]
