"""How the brain comes to a reply: a short list of skills, each tried in turn."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agent.brain.book import Book, Passage
from agent.brain.calculator import find_sum
from agent.brain.conversation import MAX_CHARACTERS, Conversation, Thought, is_question
from agent.brain.files import DATA
from agent.brain.reflection import Mirror
from agent.brain.remembering import notice, recall, user_name
from agent.brain.tools import use_tools
from agent.brain.world import World
from emotion.embedding import Embedder
from emotion.lexicon import load_lexicon

_CERTAIN = 0.8  # enough even where pain is spoken of
_SURE = 0.62  # cosine from which a passage is what was meant
_LIKELY = 0.55  # enough for a question, where the alternative is "I don't know"
_FACT = 0.5  # for what the persona knows about itself

_YES = re.compile(
    r"^(?:yes|yeah|yep|yup|sure|ok|okay|please|go on|of course|i'd like that|why not|"
    r"yes please|sure thing|do it|tell me|absolutely|definitely|go ahead)\b",
    re.I,
)
_NO = re.compile(r"^(?:no|nope|nah|not now|no thanks|no thank you|rather not|never mind)\b", re.I)
_MORE = re.compile(
    r"^(?:please )?(?:tell me more|more|go on|continue|and then|what else|more please|say more|"
    r"anything else|another|another one|one more|next|again please|keep going)"
    r"(?: (?:about (?:it|that)|please))?[.!? ]*$",
    re.I,
)
_FILLER = re.compile(
    r"^\s*(?:(?:haha|lol|oh|well|ok|okay|hey|and|so|but|um|ah|hm+)\s+)+|\s+(?:please|then|though)\s*$",
    re.I,
)
_YOU_ARE = re.compile(
    r"(?:but |and |well |oh )?(?:you are|you're|youre|you look|you sound)\b", re.I
)
_DEED = re.compile(
    r"(?:please |can you |could you |will you )*"
    r"(?:turn (?:on|off)|open|close|set|remind|order|search|call|send|book|buy|play|start|"
    r"download|install|google|look up)\b",
    re.I,
)
_UNSPEAKABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}")
_VOWEL = re.compile(r"[aeiouy]")
_MARKUP = re.compile(
    r"<\s*/?\s*(?:script|img|iframe|svg|style|html|body|div|a|b|h1|object)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Mind:
    """What the skills share; holds no chat."""

    book: Book
    mirror: Mirror
    world: World
    embedder: Embedder
    is_english: Callable[[str], bool]


def make_mind(embedder: Embedder) -> Mind:
    """A mind that finds meaning with `embedder`."""
    book, lexicon = Book(), load_lexicon()
    mirror, world = Mirror(book, lexicon), World(DATA / "world.yaml")
    return Mind(book, mirror, world, embedder, lambda text: lexicon.read(text).english)


async def warm_mind(mind: Mind, facts: Sequence[str]) -> None:
    """Make ready what the first reply needs. facts: what a persona knows about itself."""
    await mind.book.warm(mind.embedder)
    await mind.embedder.embed([question_and_answer(fact)[0] for fact in facts] or ["hello"])


async def think(mind: Mind, conversation: Conversation, now: datetime) -> Thought:
    """The reply to the last message of the chat."""
    thought = (
        mind.mirror.crisis(conversation)
        or _unreadable(mind, conversation)
        or _follow(mind, conversation)
        or mind.world.answer(conversation, mind.book.exactly(conversation.text) is not None)
        or recall(conversation)
        or use_tools(conversation, now)
        or _exact(mind, conversation)
        or _about_us(mind, conversation)
        or (None if mind.mirror.hurts(conversation.text) else notice(conversation))
    )
    return thought or await _by_meaning(mind, conversation)


def _unreadable(mind: Mind, conversation: Conversation) -> Thought | None:
    """No words, markup, another language, far too long."""
    text = conversation.text
    if _MARKUP.search(text):
        return mind.mirror.meet("markup", conversation)
    if mind.book.exactly(text) or find_sum(text):  # "sqrt(144)" only looks like noise
        return None
    if len(text) >= MAX_CHARACTERS - 50:
        return mind.mirror.meet("too_long", conversation)
    if not re.search(r"[^\W_]", text):
        return mind.mirror.feeling(conversation) or mind.mirror.meet("unreadable", conversation)
    if not mind.is_english(text):
        return mind.mirror.meet("foreign", conversation)
    return mind.mirror.meet("unreadable", conversation) if _is_noise(text) else None


def _is_noise(text: str) -> bool:
    """Whether most words could not be spoken ("asdfgh qwrt")."""
    words = re.findall(r"[^\W\d_]{3,}", text.casefold())
    noisy = [w for w in words if _UNSPEAKABLE.search(w) or (w.isascii() and not _VOWEL.search(w))]
    return len(noisy) * 2 > len(words)


def _follow(mind: Mind, conversation: Conversation) -> Thought | None:
    """Answers that lean on the last reply: yes and no to an offer, "more", "again"."""
    text, last = conversation.text, conversation.last_reply
    if not last:
        return None
    if mind.book.exactly(text) == "repeat":
        return Thought(last, "friendly")
    offered = mind.book.offered_in(last)
    if offered and _YES.match(text):
        return _say(mind, offered, conversation)
    if offered and _NO.match(text):
        return mind.mirror.meet("offer_declined", conversation)
    return _more(mind, conversation) if _MORE.match(text) else None


def _more(mind: Mind, conversation: Conversation) -> Thought | None:
    """The next unused line of what the last reply spoke about."""
    key = next(mind.book.spoken_from(conversation.last_reply), None)
    if key is None:
        spent = conversation.last_reply in mind.book.meetings["nothing_more"].say
        return mind.mirror.meet("nothing_more", conversation) if spent else None
    passage = mind.book.passages[key]
    lines = [_filled(line, conversation) for line in (*passage.more, *passage.say)]
    unused = [line for line in lines if not any(line in said for said in conversation.replies)]
    if not unused:
        return mind.mirror.meet("nothing_more", conversation)
    return Thought(unused[0], passage.feel, sources=_sources(passage))


def _exact(mind: Mind, conversation: Conversation) -> Thought | None:
    """Messages that are known to the letter, also several in one: "thanks, bye"."""
    parts = [_FILLER.sub("", part) for part in re.split(r"[.,!?;:]+", conversation.text)]
    keys = [mind.book.exactly(part) for part in parts if part.strip()]
    key = mind.book.exactly(conversation.text)
    if key is None and keys and all(keys):
        key = keys[-1]
    return _say(mind, key, conversation) if key and key != "repeat" else None


def _about_us(mind: Mind, conversation: Conversation) -> Thought | None:
    """Praise or blame in words the book does not list: "you are a genius"."""
    text = conversation.text
    if not _YOU_ARE.match(text) or is_question(text):
        return None
    if mind.mirror.pleases(text):
        return _say(mind, "compliment", conversation)
    return _say(mind, "insult", conversation) if mind.mirror.hurts(text) else None


async def _by_meaning(mind: Mind, conversation: Conversation) -> Thought:
    row = (await mind.embedder.embed([conversation.text]))[0]
    asks = is_question(conversation.text)
    found = await mind.book.nearest(row, asks, mind.embedder)
    if asks:
        fact = await _own_fact(mind, conversation, row)
        if fact and fact[1] >= max(_FACT, found.score - 0.02):
            return Thought(fact[0], "friendly, warm", sources=(f"About {conversation.name}",))
    felt = mind.mirror.feeling(conversation)
    hurt = felt is not None and mind.mirror.hurts(conversation.text)
    if found.score >= (_CERTAIN if hurt else _SURE) and found.key != "repeat":
        return _say(mind, found.key, conversation)
    if _DEED.match(conversation.text):
        return mind.mirror.meet("cannot_act", conversation)
    felt = felt or mind.mirror.statement(conversation) or mind.mirror.lingering(conversation)
    if felt:
        return felt
    if asks and found.score >= _LIKELY and found.key != "repeat":
        return _say(mind, found.key, conversation)
    return mind.mirror.unknown(conversation)


async def _own_fact(
    mind: Mind, conversation: Conversation, row: NDArray[np.float32]
) -> tuple[str, float] | None:
    """What the persona knows about itself that comes closest, and how close."""
    if not conversation.facts:
        return None
    pairs = [question_and_answer(fact) for fact in conversation.facts]
    scores = await mind.embedder.embed([question for question, _ in pairs]) @ row
    best = int(scores.argmax())
    return pairs[best][1], float(scores[best])


def question_and_answer(fact: str) -> tuple[str, str]:
    """ "Where are you from? From Galway." -> question, answer; a plain fact is both."""
    question, mark, answer = fact.partition("?")
    return (question + mark, answer.strip()) if mark and answer.strip() else (fact, fact)


def _say(mind: Mind, key: str, conversation: Conversation) -> Thought:
    passage = mind.book.passages[key]
    said = conversation.pick([_filled(line, conversation) for line in passage.say])
    if passage.offer and not any(passage.offer in reply for reply in conversation.replies):
        said = f"{said} {passage.offer}"
    return Thought(said, passage.feel, sources=_sources(passage))


def _filled(line: str, conversation: Conversation) -> str:
    name = user_name(conversation)
    return line.replace("{name}", conversation.name).replace("{user}", f", {name}" if name else "")


def _sources(passage: Passage) -> tuple[str, ...]:
    return (passage.title,) if passage.title else ()
