"""Text that a stranger wrote, without what a terminal, a log or a browser would obey."""


def printable(text: str, instead: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """The text with `instead` in place of each letter that cannot be shown: it stays one line."""
    return "".join(letter if letter.isprintable() else instead for letter in text)
