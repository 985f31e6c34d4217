"""What the user told about themselves in this chat, and questions about it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agent.brain.conversation import Conversation, Thought
from agent.brain.pronouns import turned

_END = r"(?=\s*(?:[.!?;,]|$|\band\b|\bbut\b|\bbecause\b|\bso\b))"
_LIST = (
    r"([^.!?;]{1,60}?)(?=\s*(?:[.!?;]|$|\b(?:but|because|so)\b|\band (?:I|my|you|we|he|she|it)\b))"
)
_THING = rf"([^.!?;,]{{1,60}}?){_END}"
_NAME = r"([^\W\d_][\w'’\-]{0,30}(?: [A-Z][\w'’\-]{0,30})?)"
_NAMING = (
    re.compile(rf"\bmy name(?:'s| is) (?i:actually |really )?{_NAME}"),
    re.compile(rf"\b(?:[Cc]all me|[Ii]'m called|[Ii] am called|[Mm]y friends call me) {_NAME}"),
    re.compile(r"\b(?:[Ii]'m|[Ii] am|[Ii]t's|[Tt]his is) ([A-Z][a-z'’\-]{1,30})\b(?! [a-z]+ing)"),
)
_NOT_NAMES = """a an the not so very just sorry sad happy fine good ok okay here back from in
english french german spanish italian american british irish scottish indian chinese
japanese polish dutch canadian australian
monday tuesday wednesday thursday friday saturday sunday christian muslim
jewish hindu buddhist secret none nothing called yes no why what hello hi thanks bye later
tomorrow names crazy when if whatever anything maybe"""
_NAME_QUESTIONS = ("what's your name?", "What shall I call you?")
_NO_NAMES = frozenset(_NOT_NAMES.split())


@dataclass(frozen=True, slots=True)
class Fact:
    """topic groups facts for questions ("like"); told is what is said back ("you like tea")."""

    topic: str
    told: str


_TELLING: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (topic, re.compile(pattern, re.IGNORECASE), told)
    for topic, pattern, told in (
        ("favourite", rf"\bmy fav(?:ou?rite) ([a-z ]{{2,30}}?) (?:is|are) {_THING}",
         "your favourite {0} is {1}"),
        ("dislike", rf"\bI (?:really )?(?:hate|dislike|can't stand|don't like) {_LIST}",
         "you don't like {0}"),
        ("like", rf"\bI (?:really |also |do )?(?:like|love|enjoy|adore) {_LIST}", "you like {0}"),
        ("live", rf"\bI (?:live|am living) (?:in|at|near) {_THING}", "you live in {0}"),
        ("from", rf"\b(?:I'm|I am|I come) from {_THING}", "you are from {0}"),
        ("work", rf"\bI work (?:as|at|in|for) {_THING}", "you work as {0}"),
        ("work", r"\b(?:I'm|I am) (an? (?:[a-z]+ )?(?:[a-z]+(?:er|or|ist|ian)|nurse|student|chef|"
                 r"cook|vet|pilot|artist|judge))\b", "you are {0}"),
        ("age", r"\b(?:I'm|I am) (\d{1,3}) years old", "you are {0} years old"),
        ("have", r"\b(?:I have|I've got|I own) (an? [a-z]+(?: (?:called|named) [a-z]+)?|"
                 rf"(?:two|three|four|five) [a-z]+){_END}", "you have {0}"),
        ("my", r"\bmy ([a-z]+(?: [a-z]+)?)(?:'s name)? is (?:called|named) ([a-z'\-]+)",
         "your {0} is called {1}"),
        ("my", r"\bmy ([a-z]+(?: [a-z]+)?)'s name is ([a-z'\-]+)", "your {0} is called {1}"),
        ("noted", r"\b(?:please )?remember that (.{2,120}?)[.!]?$", "{0}"),
    )
)  # fmt: skip
_ASKS_LAST = re.compile(
    r"\bwhat (?:did I|have I) (?:just )?(?:say|said|tell|told|ask|asked)(?: (?:to )?you)?"
    r"(?: (?:just now|before|a moment ago))?[?. !]*$",
    re.I,
)
_ASKING: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (topic, re.compile(pattern, re.IGNORECASE), unknown)
    for topic, pattern, unknown in (
        ("favourite", r"\bmy fav(?:ou?rite)\b.*\?|what(?:'s| is) my fav", "your favourite"),
        ("dislike", r"\bwhat (?:do I (?:hate|dislike)|don't I like)", "what you don't like"),
        ("like", r"\bwhat do I (?:like|love|enjoy)\b", "what you like"),
        ("live", r"\bwhere do I live\b", "where you live"),
        ("from", r"\bwhere (?:am I|do I come) from\b", "where you are from"),
        ("work", r"\bwhat do I do for|\bwhat(?:'s| is) my (?:job|work|profession)|where do I work",
         "what you do"),
        ("age", r"\bhow old am I\b", "how old you are"),
        ("have", r"\bwhat (?:do I have|pets? do I have)|do I have (?:a|any)\b", "that"),
        ("my", r"\bwhat(?:'s| is) (?:the name of my|my) [a-z ]+(?:'s name| called)|"
               r"what(?:'s| is) the name of my|what is my [a-z]+ called", "that name"),
        ("noted", r"\bwhat did I (?:tell|ask) you to remember\b", "anything to remember"),
    )
)  # fmt: skip
_ASKS_NAME = re.compile(
    r"\b(?:what(?:'s| is) my name|who am I|(?:do you )?(?:remember|know) (?:my name|me|who I am)"
    r"|say my name)\b", re.IGNORECASE)  # fmt: skip
_ASKS_ALL = re.compile(
    r"\bwhat (?:do|did|have) (?:you (?:know|remember|learned?)|I (?:tell|told|say|said)"
    r"|I told you)(?: (?:to )?(?:you )?)?(?:about me|about myself|so far|today|earlier|before)?"
    r"\s*\??$",
    re.IGNORECASE,
)


def user_name(conversation: Conversation) -> str:
    """The name the user gave last, or ""."""
    for i in range(len(conversation.said) - 1, -1, -1):
        before = conversation.replies[i - 1] if 0 < i <= len(conversation.replies) else ""
        name = _name_in(conversation.said[i]) or _name_answered(conversation.said[i], before)
        if name:
            return name
    return ""


def recall(conversation: Conversation) -> Thought | None:
    """The answer, if the message asks what the user told earlier."""
    text = conversation.text
    if len(text) > 200:
        return None
    name = user_name(conversation)
    if _ASKS_NAME.search(text):
        return _told_name(name)
    if "about me" in text.casefold() or _ASKS_ALL.search(text):
        return _told_all(conversation, name)
    if _ASKS_LAST.search(text) and len(conversation.said) > 1:
        return Thought(f"You said, {conversation.said[-2][:200]}", "attentive, friendly")
    for topic, pattern, unknown in _ASKING:
        if pattern.search(text):
            return _told(_about(conversation, topic, text), unknown)
    return None


def notice(conversation: Conversation) -> Thought | None:
    """A friendly answer, if the message tells a name or a fact worth keeping."""
    text = conversation.text
    if text.rstrip().endswith("?"):
        return None
    name = _name_in(text) or _name_answered(text, conversation.last_reply)
    if name:
        return _greet(conversation, name)
    facts = list(_facts_in(text))
    if not facts or len(text.split()) > 18:
        return None
    told = facts[0].told
    return Thought(_acknowledged(conversation, facts[0].topic, told), "interested, warm",
                   tools=(f"memory: {told}",))  # fmt: skip


def _name_in(text: str) -> str:
    flat = re.sub(r"\bMy name", "my name", text[:400].replace("’", "'"))
    for pattern in _NAMING:
        match = pattern.search(flat)
        if match and match.group(1).split()[0].casefold() not in _NO_NAMES:
            name = match.group(1)
            return name if name[0].isupper() else name.split()[0].capitalize()
    return ""


def _name_answered(text: str, before: str) -> str:
    """A bare name after the question for it."""
    bare = re.fullmatch(r"([^\W\d_][\w'’\-]{1,20})[.! ]*", text)
    if not bare or not before.endswith(_NAME_QUESTIONS):
        return ""
    name = bare.group(1)
    return "" if name.casefold() in _NO_NAMES else name[0].upper() + name[1:]


def _facts_in(text: str) -> Iterator[Fact]:
    flat = text.replace("’", "'")
    for topic, pattern, told in _TELLING:
        for match in pattern.finditer(flat):
            words = [turned(group.strip()) for group in match.groups()]
            if words[-1].split()[-1].casefold() not in _VAGUE:
                yield Fact(topic, told.format(*words).strip())


def _facts(conversation: Conversation) -> list[Fact]:
    """All facts told before the present message, a later one replacing the same topic's text."""
    found = [fact for text in conversation.said for fact in _facts_in(text) if "?" not in text]
    return list(dict.fromkeys(found))


def _about(conversation: Conversation, topic: str, text: str) -> list[str]:
    """What was told on a topic; where the question names a thing ("favourite colour"), on that."""
    topics = ("my", "have") if topic == "my" else (topic,)
    told = [fact.told for fact in _facts(conversation) if fact.topic in topics]
    asked = set(re.findall(r"[a-z]+", text.casefold())) - _COMMON
    named = [t for t in told if asked & (set(t.casefold().split()) - _COMMON)]
    if topic in ("favourite", "my"):
        return named
    return named or told


_VAGUE = frozenset(("it", "that", "this", "you", "me", "him", "her", "to", "them", "so"))
_COMMON_WORDS = """what is my the your favourite favorite name called of do i you like have a an any
whats s remember know and are to for"""
_COMMON = frozenset(_COMMON_WORDS.split())


def _told_name(name: str) -> Thought:
    if name:
        return Thought(f"You're {name}. I haven't forgotten.", "warm, pleased",
                       tools=(f"memory: your name is {name}",))  # fmt: skip
    return Thought("You haven't told me your name yet. What shall I call you?", "curious, warm")


def _told(facts: list[str], unknown: str) -> Thought:
    if not facts:
        return Thought(f"I don't know {unknown} yet. Will you tell me?", "curious, warm")
    said = _listed(facts[-3:])
    return Thought(f"You told me that {said}.", "pleased, warm", tools=(f"memory: {said}",))


def _told_all(conversation: Conversation, name: str) -> Thought:
    facts = [f"your name is {name}"] if name else []
    facts += [fact.told for fact in _facts(conversation)][-4:]
    if not facts:
        return Thought("Not much yet, and I'd like to. What should I know about you?", "curious")
    return Thought(f"I know that {_listed(facts)}.", "pleased, warm",
                   tools=(f"memory: {_listed(facts)}",))  # fmt: skip


def _greet(conversation: Conversation, name: str) -> Thought:
    options = [
        f"{name}, what a nice name. I'm {conversation.name}. What brings you here, {name}?",
        f"Pleased to meet you, {name}. I'm {conversation.name}. How are you today?",
        f"Hello {name}! I'll remember that. What would you like to talk about?",
    ]
    return Thought(conversation.pick(options), "warm, glad", tools=(f"memory: name {name}",))


def _acknowledged(conversation: Conversation, topic: str, told: str) -> str:
    said = told[0].upper() + told[1:]
    options = {
        "like": [f"{said}, I'll remember that. What do you like best about it?",
                 f"So {told}. I can picture it. When did that begin?",
                 f"{said}. That tells me something nice about you. How did it start?"],
        "dislike": [f"So {told}. I'll keep that in mind. What put you off?",
                    f"{said}? Then we shan't dwell on it. What do you prefer?"],
        "live": [f"So {told}. What is it like there?", f"{said}. Would you ever leave it?"],
        "from": [f"{said}, I see. What do you miss about it?"],
        "have": [f"So {told}! Tell me about that.", f"{said}, how nice. What's it like?"],
        "work": [f"So {told}. What's the best part of it?"],
        "noted": [f"Noted. {said}, I won't forget it while we talk."],
    }  # fmt: skip
    general = [f"{said}. I'll remember that. What else should I know?",
               f"Noted, {told}. Is there a story behind it?"]  # fmt: skip
    return conversation.pick(options.get(topic, general))


def _listed(facts: list[str]) -> str:
    return facts[0] if len(facts) == 1 else f"{', '.join(facts[:-1])}, and {facts[-1]}"
