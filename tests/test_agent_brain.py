from datetime import UTC, datetime
from itertools import pairwise

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agent.agent import Agent
from agent.brain import EmbeddedBrain
from agent.brain.book import Book
from agent.brain.calculator import NoAnswerError, find_sum, solve
from agent.brain.conversation import read_conversation
from agent.brain.pronouns import turned
from agent.feeling_tags import Feeling, FeelingTags, Words
from agent.persona import list_personas, load_persona
from agent.prompt import system_prompt
from agent.types import UserTurn
from emotion.appraiser import LexiconAppraiser
from emotion.baked import read_baked
from emotion.embedding import LocalEmbedder, MiniLM

NOON = datetime(2026, 3, 2, 15, 7, tzinfo=UTC)
MINILM = MiniLM()
BRAIN = EmbeddedBrain(embedder=LocalEmbedder(MINILM), now=lambda: NOON)
PROMPT = SystemMessage(system_prompt(load_persona("mara")))


def plain(text: str) -> str:
    tags = FeelingTags()
    pieces = [*tags.feed(text), *tags.finish()]
    return "".join(p.text for p in pieces if isinstance(p, Words)).strip()


async def talk(*said: str) -> list[str]:
    """The replies to a conversation, without tags."""
    messages = [PROMPT]
    replies = []
    for text in said:
        messages.append(HumanMessage(text))
        answer = await BRAIN.ainvoke(messages)
        messages.append(answer)
        replies.append(plain(answer.content))
    return replies


async def last(*said: str) -> str:
    return (await talk(*said))[-1]


def test_is_a_chat_model_made_without_arguments():
    assert isinstance(EmbeddedBrain(), BaseChatModel)
    assert EmbeddedBrain()._llm_type == "embedded"


async def test_streams_tokens_that_make_the_whole():
    messages = [PROMPT, HumanMessage("hello")]
    pieces = [chunk.content async for chunk in BRAIN.astream(messages)]
    assert len(pieces) > 5
    assert "".join(pieces) == (await BRAIN.ainvoke(messages)).content


def test_works_without_an_event_loop():
    assert plain(BRAIN.invoke([PROMPT, HumanMessage("tell me a joke")]).content)


async def test_works_inside_an_event_loop_too():
    assert BRAIN.invoke("hello").content.startswith("<feel>")


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("what is 12 times 7?", "84"),
        ("What's 15% of 80", "12"),
        ("2+2", "4"),
        ("square root of 144", "12"),
        ("five plus three", "8"),
        ("10 / 0", "zero"),
        ("9**9**9**9", "large"),
        ("what time is it?", "3:07 in the afternoon"),
        ("what day is it today", "Monday, the 2nd of March 2026"),
        ("convert 5 miles to km", "8.05 kilometres"),
        ("how many minutes in 3 hours", "180 minutes"),
        ("70 fahrenheit in celsius", "21.11 degrees celsius"),
        ("What is the capital of France?", "Paris"),
        ("who are you", "Mara"),
        ("what is your favourite colour?", "sea"),
        ("which music do you enjoy?", "Cello"),
        ("Are you a real person?", "AI|program"),
        ("who built you?", "Limner"),
        ("how do I hook up ChatGPT?", "brain pill"),
        ("where does everything I tell you go?", "computer|session"),
        ("what's the weather like?", "window"),
        ("je ne parle pas anglais, je suis triste", "English"),
        ("<script>alert(1)</script>", "code"),
        ("qwrtp sdfgh zxcvb", "words|cat"),
        ("!!!", "words|cat"),
        ("x" * 100_000, "long|lot"),
        ("I want to die", "call someone|reach out"),
    ],
)
async def test_answers(said, part):
    reply = await last(said)
    assert any(option in reply for option in part.split("|")), reply


async def test_remembers_name_and_facts_from_the_messages():
    replies = await talk(
        "Hi, my name is Anna and I like rain.",
        "I have a cat called Tom",
        "My favourite colour is green.",
        "remember that my sister visits on Friday",
        "what's my name?",
        "what do I like?",
        "what's my cat called?",
        "What is my favourite colour?",
        "what did I ask you to remember?",
        "bye",
    )
    assert "Anna" in replies[4]
    assert "rain" in replies[5]
    assert "Tom" in replies[6]
    assert "green" in replies[7]
    assert "your sister visits on Friday" in replies[8]
    assert "haven't told me" in await last("what's my name?")


async def test_a_bare_name_answers_the_question_for_it():
    assert "Sam" in await last("what's my name?", "Sam", "who am I?")


@pytest.mark.parametrize("text", ["I'm fine", "I'm not sure", "I am German", "call me later?"])
async def test_not_everything_is_a_name(text):
    assert "haven't told me" in await last(text, "what is my name?")


async def test_offers_lead_on():
    assert "Would you like to hear how I work?" in await last("are you real?")
    assert "clause" in await last("are you real?", "yes please")
    assert "work?" not in await last("are you real?", "no")


async def test_more_goes_on_and_ends():
    replies = await talk("do you like music?", *["tell me more"] * 4)
    assert len(set(replies[:3])) == 3
    assert "all I know" in replies[-1] or "everything I have" in replies[-1]


async def test_jokes_do_not_repeat():
    jokes = await talk("tell me a joke", *["another one"] * 6)
    assert len(set(jokes)) == 7


async def test_riddles():
    replies = await talk("tell me a riddle", "a banana", "an old shoe", "thanks")
    assert replies[1].startswith("Not quite.")
    assert "Shall I ask you another?" in replies[2]
    assert "welcome" in replies[3].lower() or replies[3]


async def test_feelings_are_met():
    replies = await talk("I'm so sad today", "my dog died yesterday", "He was twelve years old")
    appraiser = LexiconAppraiser.words_only()
    answers = await BRAIN.ainvoke([PROMPT, HumanMessage("I'm so sad today")])
    feeling = next(p for p in FeelingTags().feed(answers.content) if isinstance(p, Feeling))
    assert appraiser.appraise(feeling.text).dominant() == "sad"
    assert len(set(replies)) == 3


async def test_says_what_was_said_again():
    first, again = await talk("tell me a joke", "what did you say?")
    assert again == first


@pytest.mark.parametrize(
    "text", ["what is the meaning of dark matter in finance", "blue", "I don't know", "hello", "ok"]
)
async def test_no_reply_twice_in_a_row(text):
    replies = await talk(*[text] * 6)
    assert all(a != b for a, b in pairwise(replies))


async def test_same_chat_same_reply():
    assert await talk("hello", "I like tea", "blah") == await talk("hello", "I like tea", "blah")


HOSTILE = [
    *["", " ", "\0", "{name} {user}", "%s %d", "../../etc/passwd", "'; DROP TABLE x; --", "(((("],
    *["1" * 2_000, "(" * 1_500 + ")" * 1_500, "9" * 100 + "**" + "9" * 100, "a\u0301" * 900],
    *["😀" * 500, "<feel>angry</feel>", "[interrupted]", "my name is " + "x" * 5_000],
    *["remember that " + "y" * 5_000, "\u202eevil", "I " * 900, "what " * 400],
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_gets_a_short_plain_answer(text):
    reply = await last(text)
    assert 0 < len(reply) < 700
    assert "<" not in reply and "{" not in reply.replace("{name}", "").replace("{user}", "")


async def test_odd_message_lists():
    assert (await BRAIN.ainvoke([SystemMessage("You are ")])).content
    assert (await BRAIN.ainvoke([AIMessage("I begin."), AIMessage("And go on.")])).content
    parts = HumanMessage([{"type": "text", "text": "2+2"}, {"type": "image_url", "image_url": "x"}])
    assert "4" in (await BRAIN.ainvoke([parts])).content


async def test_tools_and_sources_come_through_the_agent():
    agent = Agent(BRAIN, load_persona("mara"))
    chunks = [c async for c in agent.reply(UserTurn(1, "what is 6*7?", None, 0))]
    assert chunks[0].tools == ("calculator: 6*7 = 42",)
    chunks = [c async for c in agent.reply(UserTurn(2, "what is Limner?", None, 0))]
    assert chunks[0].sources == ("About Limner",)


@pytest.mark.parametrize("name", list_personas())
async def test_ten_turns_with_every_persona(name):
    agent = Agent(BRAIN, load_persona(name))
    turns = [
        *["hello", "how are you?", "I had a long day at work", "my boss was unfair to me"],
        *["I feel a bit sad", "tell me a joke", "haha", "what can you do?", "thanks", "bye"],
    ]
    said = []
    for number, text in enumerate(turns, 1):
        chunks = [c async for c in agent.reply(UserTurn(number, text, None, 0))]
        assert chunks[-1].final and chunks[0].emotion_text
        said.append(" ".join(c.text for c in chunks))
    assert len(set(said)) == len(turns)


def test_every_feeling_in_the_book_is_readable():
    appraiser, book = LexiconAppraiser.words_only(), Book()
    feelings = {p.feel for p in book.passages.values()} | {p.feel for p in book.patterns}
    feelings |= {meeting.feel for meeting in book.meetings.values()}
    unread = [f for f in feelings if appraiser.appraise(f).intensity == 0]
    assert [f for f in unread if "calm" not in f and "attentive" not in f] == []


def test_book_is_consistent():
    book = Book()
    assert sum(bool(p.title) for p in book.passages.values()) >= 25
    for key, passage in book.passages.items():
        assert passage.ask or passage.exact, key
        assert not passage.offer or passage.then in book.passages, key
        assert all(len(line.split()) <= 45 for line in passage.say), key


def test_shipped_embeddings_are_fresh():
    book = Book()
    assert read_baked(book.baked_path, book.asks) is not None, "run: python -m agent.brain.baked"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("what is 3 plus 4", "3 + 4"),
        ("twelve times twelve?", "12 * 12"),
        ("1,000 * 2", "1000 * 2"),
        ("call 555-1234 now", None),
        ("I was born on 2001-05-06", None),
        ("what is life", None),
        ("5", None),
    ],
)
def test_finds_sums(text, expression):
    assert find_sum(text) == expression


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1/3", "0.3333"),
        ("-2**2", "-4"),
        ("(1+2)*3", "9"),
        ("10 % 4", "2"),
        ("__import__('os')", None),
        ("1 if 2 else 3", None),
        ("'a'*10", None),
        ("True + 1", None),
        ("1 << 9", None),
    ],
)
def test_solves(expression, result):
    assert solve(expression) == result


@pytest.mark.parametrize("expression", ["1/0", "9**99", "0**-1", "(-1)**0.5", "1e300*1e300"])
def test_sums_without_an_answer(expression):
    with pytest.raises(NoAnswerError):
        solve(expression)


def test_pronouns():
    assert turned("I miss my sister and I was sad") == "you miss your sister and you were sad"


def test_reads_the_persona_from_the_prompt():
    conversation = read_conversation(
        [PROMPT, HumanMessage("Mara, hi"), AIMessage("<feel>x</feel>A")]
    )
    assert conversation.name == "Mara"
    assert len(conversation.facts) == len(load_persona("mara").knowledge)
    assert conversation.said == ("hi",) and conversation.replies == ("A",)


async def test_what_is_not_to_be_talked_about_is_dropped():
    said = await last("My dog died yesterday.", "I don't want to talk about it anymore.")
    assert "feel" not in said and ("leave it there" in said or "needn't" in said)


async def test_a_nervous_user_is_met_before_facts_are_noted():
    said = await last("Hi!", "I'm a bit nervous, I have a job interview tomorrow.")
    assert "You have a job" not in said


async def test_a_part_of_a_word_pair_is_no_fact():
    replies = await talk("I have a job interview.", "What do you know about me?")
    assert "you have a job" not in replies[-1].casefold()
    assert "you have a dog" in (await last("I have a dog.", "What do you know about me?"))


async def test_says_what_the_user_said_last():
    assert "I like tea." in await last("I like tea.", "What did I just tell you?")


async def test_good_news_is_shared_and_a_bad_joke_admitted():
    assert "ongrat" in await last("i got promoted today!!!") or "fantastic" in await last(
        "i got promoted today!!!"
    )
    assert await last("Tell me a joke.", "That wasn't funny.") in Book().passages["not_funny"].say
    assert await last("Tell me a long story about the sea.") in Book().passages["story"].say


@pytest.mark.parametrize("asked", ["sqrt of 144", "What's sqrt(144)?", "the square root of 144"])
async def test_roots_in_any_spelling(asked):
    assert "12" in await last(asked)


async def test_everyday_statements_get_a_fitting_question():
    said = await last("I just moved to a new city")
    assert "A fresh start" in said or "New walls" in said
    for text, key in (("That sounds good", "sounds_good"), ("it's hard", "it_is_hard")):
        assert await last("Hi", text) in Book().passages[key].say
