"""How the story looks in a terminal. Colour only there, and none with NO_COLOR."""

import os
import sys

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
VERBS = {"gone": "green", "bumped": "yellow"}


def in_colour():
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(text, colour):
    return f"\033[{CODES[colour]}m{text}\033[0m" if in_colour() else text


def say(text=""):
    print(text, flush=True)


def duration(seconds):
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


class Telling:
    """Numbers the steps, and remembers how many were not as expected."""

    def __init__(self):
        self.n_steps = 0
        self.n_wrong = 0

    def begin(self, step):
        self.n_steps += 1
        say()
        say(f"{self.n_steps:2}  {paint(step.title, 'bold')}")
        if step.sql:
            say(f"    {step.sql};")

    def end(self, step, outcome, since):
        """What happened, beside what should have."""
        wrong = False
        for verb, happened, expected in (
            ("gone", outcome.gone, step.gone),
            ("bumped", outcome.bumped, step.bumped),
        ):
            for key in sorted(happened | expected):
                note = self._note(key, happened, expected)
                wrong = wrong or bool(note)
                store, name = key
                say(f"      {store:9}  {paint(f'{verb:6}', VERBS[verb])}  {name}{note}")
        if wrong:
            say(paint(f"      not as expected after {duration(outcome.seconds)}", "red"))
        elif step.gone | step.bumped:
            stay = paint(f"{f'{outcome.n_stay} other keys stay':40}", "dim")
            say(f"      {stay} {duration(outcome.seconds)} {since}")
        else:
            say(paint(f"      {outcome.n_stay} keys stay", "dim"))
        self.n_wrong += wrong

    @staticmethod
    def _note(key, happened, expected):
        if key not in expected:
            return paint("  unexpected", "red")
        if key not in happened:
            return paint("  expected, but did not happen", "red")
        return ""

    def verdict(self):
        say()
        if self.n_wrong:
            say(paint(f"{self.n_wrong} of {self.n_steps} steps did not come as expected", "red"))
        else:
            say(paint(f"all {self.n_steps} steps came as expected", "green"))
