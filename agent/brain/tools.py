"""The brain's small tools: clock, sums, units."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.brain.calculator import NoAnswerError, find_sum, in_words, solve
from agent.brain.conversation import Conversation, Thought

_TIME = re.compile(
    r"\b(?:what time is it|what's the time|whats the time|what is the time|do you have the time"
    r"|tell me the time|current time|time is it)\b"
)
_DATE = re.compile(
    r"\b(?:what day is|what's the date|whats the date|what is the date|what is today|today's date"
    r"|what date is|which day is|what's today|what day of the week|current date)"
)
_YEAR = re.compile(r"\b(?:what|which) (?:year|month) is (?:it|this)\b")

# One line a unit: dimension, size in the base unit, spoken plural, and how it is written.
_UNIT_TABLE = """
length 0.001 millimetres mm millimetre millimeter
length 0.01 centimetres cm centimetre centimeter
length 1 metres m metre meter
length 1000 kilometres km kilometre kilometer
length 0.0254 inches in inch
length 0.3048 feet ft foot
length 0.9144 yards yd yard
length 1609.344 miles mi mile
mass 0.001 grams g gram gramme
mass 1 kilograms kg kilogram kilo
mass 0.45359237 pounds lb pound
mass 0.028349523 ounces oz ounce
mass 6.35029318 stone st stone
volume 0.001 millilitres ml millilitre milliliter
volume 1 litres l litre liter
volume 0.2365882 cups cup
volume 0.4731765 pints pint
volume 3.785412 gallons gallon
time 1 seconds s sec second
time 60 minutes min minute
time 3600 hours h hour
time 86400 days day
time 604800 weeks week
"""


@dataclass(frozen=True, slots=True)
class _Unit:
    dimension: str
    size: float
    spoken: str


def _read_units() -> Iterator[tuple[str, _Unit]]:
    for line in _UNIT_TABLE.split("\n"):
        dimension, _, rest = line.partition(" ")
        size, _, names = rest.partition(" ")
        for name in names.split():
            yield name, _Unit(dimension, float(size), names.split()[0])


_UNITS = dict(_read_units())
_TEMPERATURES = {"c": "celsius", "celsius": "celsius", "centigrade": "celsius",
                 "f": "fahrenheit", "fahrenheit": "fahrenheit"}  # fmt: skip
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_CONVERT = re.compile(
    rf"{_NUMBER}\s*(?:degrees?\s+|°\s*)?([a-z]+)\s+(?:in|to|into|as)\s+(?:degrees?\s+)?([a-z]+)\b"
)
_HOW_MANY = re.compile(
    rf"how (?:many|much) ([a-z]+) (?:are |is )?(?:there )?in {_NUMBER}?\s*(?:an? )?([a-z]+)\b"
)


def use_tools(conversation: Conversation, now: datetime) -> Thought | None:
    """The answer of a tool, if the message asks for one."""
    text = conversation.text.casefold().replace("’", "'")
    return _clock(text, now) or _units(text) or _sum(text)


def _clock(text: str, now: datetime) -> Thought | None:
    if len(text) > 120:
        return None
    if re.search(r"\btime (?:is it )?in [a-z]", text):
        said = f"I only have the clock of this computer. It says {_spoken_time(now)}."
    elif _TIME.search(text):
        said = f"It's {_spoken_time(now)}, by the clock of this computer."
    elif _DATE.search(text):
        said = f"It's {now:%A}, the {_ordinal(now.day)} of {now:%B} {now.year}."
    elif _YEAR.search(text):
        said = f"It's {now:%B} {now.year}, unless this computer is dreaming."
    else:
        return None
    return Thought(said, "friendly, helpful", tools=(f"clock: {now:%Y-%m-%d %H:%M}",))


def _spoken_time(now: datetime) -> str:
    hour = now.hour % 12 or 12
    half = "in the morning" if now.hour < 12 else "in the afternoon"
    half = "in the evening" if now.hour >= 18 else half
    return f"{hour} o'clock {half}" if now.minute == 0 else f"{hour}:{now.minute:02} {half}"


def _ordinal(day: int) -> str:
    if 10 <= day % 100 <= 20:
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def _sum(text: str) -> Thought | None:
    expression = find_sum(text)
    if expression is None:
        return None
    try:
        result = solve(expression)
    except NoAnswerError as error:
        return Thought(f"I can't work that one out, {error}.", "apologetic, amused")
    if result is None:
        return None
    shown = re.sub(r"\s*/100\*\s*", "% of ", expression).replace("**0.5", " ^ 0.5")
    said = f"{in_words(expression)} is {result}.".capitalize()
    return Thought(said, "pleased", tools=(f"calculator: {shown} = {result}",))


def _units(text: str) -> Thought | None:
    if len(text) > 200:
        return None
    match = _CONVERT.search(text)
    if match:
        return _converted(match.group(1), match.group(2), match.group(3))
    match = _HOW_MANY.search(text)
    return _converted(match.group(2) or "1", match.group(3), match.group(1)) if match else None


def _converted(amount: str, source: str, target: str) -> Thought | None:
    if source in _TEMPERATURES and target in _TEMPERATURES:
        names = _TEMPERATURES[source], _TEMPERATURES[target]
        return _told(amount, f"degrees {names[0]}", _temperature(float(amount), *names),
                     f"degrees {names[1]}")  # fmt: skip
    one, other = _unit(source), _unit(target)
    if one is None or other is None or one.dimension != other.dimension:
        return None
    return _told(amount, one.spoken, float(amount) * one.size / other.size, other.spoken)


def _unit(name: str) -> _Unit | None:
    return _UNITS.get(name) or _UNITS.get(name.removesuffix("s"))


def _temperature(value: float, source: str, target: str) -> float:
    if source == target:
        return value
    return value * 9 / 5 + 32 if target == "fahrenheit" else (value - 32) * 5 / 9


def _told(amount: str, source: str, value: float, target: str) -> Thought:
    short = f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.3g}"
    return Thought(
        f"{amount} {source} make about {short} {target}.",
        "pleased, helpful",
        tools=(f"units: {amount} {source} = {short} {target}",),
    )
