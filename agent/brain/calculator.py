"""Arithmetic in plain words, evaluated over a bounded syntax tree (never with `eval`)."""

import ast
import math
import operator
import re
from collections.abc import Callable

_MAX_CHARACTERS = 120
_MAX_MAGNITUDE = 1e15
_MAX_EXPONENT = 64

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_SMALL_NUMBERS = """zero one two three four five six seven eight nine ten eleven twelve thirteen
fourteen fifteen sixteen seventeen eighteen nineteen"""
_TENS = """zero ten twenty thirty forty fifty sixty seventy eighty ninety hundred"""
_NUMBER_WORDS = {
    **{word: str(10 * value) for value, word in enumerate(_TENS.split())},
    **{word: str(value) for value, word in enumerate(_SMALL_NUMBERS.split())},
    **{"thousand": "1000", "million": "1000000", "dozen": "12", "half of": "0.5*"},
}
_WORDS = (
    (r"(?<=\d),(?=\d{3}\b)", ""),
    (r"\b(?:multiplied by|times|x)\b|×|(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\b(?:divided by|over)\b|÷", "/"),
    (r"\bplus\b|\badded to\b", "+"),
    (r"\bminus\b|−", "-"),
    (r"(?:%|\bpercent\b|\bper cent\b)\s*of\b", "/100*"),
    (r"\b(?:modulo|mod)\b", "%"),
    (r"\bsquared\b", "**2"),
    (r"\bcubed\b", "**3"),
    (r"\bto the power of\b|\^", "**"),
    (r"\b(?:the )?square root of\s*(\d+(?:\.\d+)?)", r"\1**0.5"),
    (r"\bsqrt(?: of)?\s*\(?\s*(\d+(?:\.\d+)?)\s*\)?", r"\1**0.5"),
)
_ASKED = re.compile(
    r"^(?:(?:so|and|ok|okay|please|hey|now|well|then)[, ]+)*"
    r"(?:what is|what's|whats|how much is|how many is|calculate|compute|work out|solve|"
    r"can you (?:calculate|compute|tell me|add|work out)|tell me|do you know)?\s*(?:what is\s*)?"
    r"(?P<sum>[\d\s.+\-*/()%]+?)\s*(?:=|equals|is)?\s*(?:please|then)?\s*[?.!=]*$"
)
_SAID_SIGNS = (
    ("/100*", " percent of "),
    ("**", " to the power of "),
    ("*", " times "),
    ("/", " divided by "),
    ("+", " plus "),
    ("-", " minus "),
    ("%", " modulo "),
)


class NoAnswerError(Exception):
    """The sum has no answer that can be given; the text says why."""


def find_sum(text: str) -> str | None:
    """The sum that a message asks for, as an expression such as "12 * 7"; None if it asks none."""
    if len(text) > _MAX_CHARACTERS:
        return None
    words = (
        text.casefold().replace("-", " - ") if re.search(r"[a-z]-[a-z]", text) else text.casefold()
    )
    for word, digits in _NUMBER_WORDS.items():
        words = re.sub(rf"\b{word}\b", digits, words)
    for pattern, sign in _WORDS:
        words = re.sub(pattern, sign, words)
    match = _ASKED.match(words.strip())
    found = " ".join(match.group("sum").split()) if match else ""
    return found if re.search(r"\d.*[+\-*/%].*\d", found) else None


def solve(expression: str) -> str | None:
    """The result in short form; None where the expression is no arithmetic.

    Raises NoAnswerError for a division by zero or a result that is too large.
    """
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    value = _value(tree.body)
    return None if value is None else _short(value)


def in_words(expression: str) -> str:
    """The expression as it is spoken."""
    expression = re.sub(r"(\d[\d.]*)\s*\*\*0\.5", r"the square root of \1", expression)
    for sign, word in _SAID_SIGNS:
        expression = expression.replace(sign, word)
    return " ".join(expression.split())


def _value(node: ast.expr) -> float | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _bounded(float(node.value)) if isinstance(node.value, int | float) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _value(node.operand)
        return None if inner is None else (-inner if isinstance(node.op, ast.USub) else inner)
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _value(node.left), _value(node.right)
    return None if left is None or right is None else _combine(node.op, left, right)


def _combine(sign: ast.operator, left: float, right: float) -> float | None:
    if isinstance(sign, ast.Div | ast.Mod) and right == 0:
        raise NoAnswerError("nothing can be divided by zero")
    if isinstance(sign, ast.Pow):
        return _power(left, right)
    function = _OPERATORS.get(type(sign))
    return None if function is None else _bounded(function(left, right))


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > _MAX_EXPONENT:
        raise NoAnswerError("that number is too large for me")
    try:
        value = base**exponent
    except (OverflowError, ZeroDivisionError):
        raise NoAnswerError("that has no answer I could say") from None
    if isinstance(value, complex):
        raise NoAnswerError("that has no real answer")
    return _bounded(float(value))


def _bounded(value: float) -> float:
    if not math.isfinite(value) or abs(value) > _MAX_MAGNITUDE:
        raise NoAnswerError("that number is too large for me")
    return value


def _short(value: float) -> str:
    if value == round(value):
        return f"{round(value):,}"
    return f"{value:,.4f}".rstrip("0") if abs(value) >= 0.001 else f"{value:.3g}"
