"""Makes a disagreement small: parts of the expression are left out, or replaced by something
simple, as long as it stays the same disagreement."""

from sides import TOKEN
from verdict import verdict

SIMPLE = ("NULL", "1", "'a'", "true")
LONGEST = 120


def tokens(text):
    return TOKEN.findall(text)


def shorter(words):
    """All texts with one run of words left out or replaced."""
    n = len(words)
    texts = set()
    for begin in range(n):
        for end in range(begin + 1, min(n, begin + 40) + 1):
            texts.add(" ".join(words[:begin] + words[end:]))
            run = " ".join(words[begin:end])
            if end - begin > 1 and run.count("(") == run.count(")"):
                for simple in SIMPLE:
                    texts.add(" ".join(words[:begin] + [simple] + words[end:]))
    texts.discard("")
    return sorted(texts, key=len)


def first_that(postgres, cdcd, case, texts, what):
    for begin in range(0, len(texts), 200):
        cases = [case.with_text(text) for text in texts[begin : begin + 200]]
        for small, *answers in zip(cases, postgres.answers(cases), cdcd.answers(cases)):
            if verdict(*answers) == (False, what):
                return small
    return None


def shrink(postgres, cdcd, case, what):
    """The smallest case found."""
    while True:
        words = tokens(case.text)
        texts = [text for text in shorter(words) if len(text) < len(" ".join(words))]
        if len(words) > LONGEST:
            texts = texts[::7]
        small = first_that(postgres, cdcd, case, texts, what)
        if small is None:
            return case
        case = small
