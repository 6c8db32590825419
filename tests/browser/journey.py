"""The main path of somebody who reports, in their language: from the first page to a receipt, and back with it."""

from collections.abc import Callable

from tests.browser.visitors import Visitor

NARRATIVE = "MARKED-7f3a what a person wrote"
CONTACT = "MARKED-7f3a how to reach them"
ANSWER = "MARKED-7f3a what they answered"
QUESTION = "MARKED-7f3a which room was it in?"
Say = Callable[[str], str]
"""Translates a sentence of ours."""


def report(visitor: Visitor, url: str, say: Say, seen: Callable[[str], None] = lambda _: None) -> str:
    """Report from the first page at `url` to the receipt, which is returned; every page must ask what it should.

    `seen` is told the last part of each page's address once it shows.
    """

    def answered(title: str, *, pick: str = "", write: str = "") -> None:
        assert say(title) in visitor.read("h1"), visitor.read("body")
        seen(visitor.address().rpartition("/")[2])
        if pick:
            visitor.pick(say(pick))
        if write:
            visitor.write(say(title), write)
        visitor.press(say("Continue"))

    visitor.go(f"{url}/report")
    seen("start")
    visitor.press(say("Start"))
    answered("What is it about?", pick="Suspected child sexual abuse material")
    answered("Before you go on")
    answered("Is any of this true?", pick="A child is in danger right now")
    answered("Please call first")
    answered("How did you notice?", pick="I saw or heard it myself")
    answered("Where was it?", pick="Laptop")
    answered("What is the number on the device's label?", write="LT-4711")
    answered("Which of our places or companies?", pick="Headquarters")
    answered("When did it happen?")
    answered("Where is the device, or what you came across, now?", pick="It is where it was; nobody touched it")
    answered("Is one of these involved?", pick="Human resources")
    answered("What happened, in your words?", write=NARRATIVE)
    answered("Do you want to say who you are?", pick="Yes, but only in confidence")
    answered("How can we reach you?", write=CONTACT)
    assert say("Check your answers") in visitor.read("h1")
    assert NARRATIVE in visitor.read()
    seen("check")
    visitor.press(say("Send report"))
    assert say("Thank you. Your report is kept.") in visitor.read("h1"), visitor.read("body")
    seen("receipt")
    return visitor.read("output").strip()


def follow(visitor: Visitor, url: str, say: Say, receipt: str) -> str:
    """Follow a report up with its receipt; return what the page says."""
    visitor.go(f"{url}/follow-up")
    visitor.write(say("Receipt"), receipt)
    visitor.press(say("Show status"))
    return visitor.read()


def answer(visitor: Visitor, say: Say) -> str:
    """Write to the team from the page that `follow` ends on; return what the next one says."""
    visitor.write(say("Your message"), ANSWER)
    visitor.press(say("Send message"))
    return visitor.read()
