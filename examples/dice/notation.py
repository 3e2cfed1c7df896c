"""Dice notation: text to an expression, an expression to a roll.

    roll   := [N 'x'] sum ['adv' | 'dis'] ['#' label]
    sum    := ['+' | '-'] term (('+' | '-') term)*
    term   := N | [N] 'd' (N | '%' | 'F') rule*
    rule   := ('kh' | 'kl' | 'dh' | 'dl') [N]   keep or drop the highest or lowest N, else 1
            | '!'                               a die that shows its greatest value is rolled once more
            | 'r' N                             a die that shows N or less is rolled again, once

'd%' is d100, 'dF' a Fudge die (-1, 0, 1), 'k' is 'kh'. 'adv' and 'dis' roll the first single die twice and
keep the higher or the lower. Case and spaces don't matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

MAX_SIDES = 1_000_000
MAX_NUMBER = 1_000_000_000
MAX_REPEATS = 25
MAX_TERMS = 50
MAX_LENGTH = 500

# Gives a whole number from the first to the second, both included.
Die = Callable[[int, int], int]


class NotationError(ValueError):
    """What is wrong with a roll, and where (0 is the first character)."""

    def __init__(self, message: str, text: str, position: int) -> None:
        super().__init__(f"{message}\n{text}\n{' ' * position}^")
        self.position = position


@dataclass(frozen=True)
class Rule:
    """``kind`` is kh, kl, dh, dl, ! or r."""

    kind: str
    number: int


@dataclass(frozen=True)
class Term:
    """``count`` dice from ``low`` to ``high``, or the number ``count`` where ``high`` is 0."""

    sign: int
    count: int
    low: int = 0
    high: int = 0
    rules: tuple[Rule, ...] = ()
    source: str = ""

    @property
    def is_dice(self) -> bool:
        return self.high > 0


@dataclass(frozen=True)
class Roll:
    """A roll as it was written."""

    repeats: int
    terms: tuple[Term, ...]
    label: str


@dataclass(frozen=True)
class Shown:
    """One die on the table."""

    value: int
    kept: bool = True


@dataclass(frozen=True)
class Outcome:
    """One throw of a roll: what each term of dice showed, and the sum."""

    dice: tuple[tuple[Term, tuple[Shown, ...]], ...]
    total: int


class _Parser:
    _TOKEN = re.compile(r"[0-9]+|adv|dis|kh|kl|dh|dl|[a-z%!+\-]", re.ASCII)

    def __init__(self, text: str) -> None:
        self.text, _, self.label = (part.strip() for part in text.partition("#"))
        self.lower = self.text.lower()
        self.at = 0

    def parse(self) -> Roll:
        if not self.text:
            raise self.error("Nothing to roll. An example: 2d6+3")
        repeats = self.repeats()
        terms = [self.term(self.sign() or 1)]
        while sign := self.sign():
            if len(terms) == MAX_TERMS:
                raise self.error(f"At most {MAX_TERMS} terms.")
            terms.append(self.term(sign))
        if self.peek() in ("adv", "dis"):
            terms = self.twice(terms, self.next())
        if self.peek():
            raise self.error(f"'{self.peek()}' is not expected here.")
        return Roll(repeats, tuple(terms), self.label)

    def repeats(self) -> int:
        start, number = self.at, self.number()
        if number is None or self.peek() != "x":
            self.at = start
            return 1
        self.next()
        if not 1 <= number <= MAX_REPEATS:
            self.at = start
            raise self.error(f"A roll is repeated 1 to {MAX_REPEATS} times.")
        return number

    def sign(self) -> int:
        if self.peek() not in ("+", "-"):
            return 0
        return 1 if self.next() == "+" else -1

    def term(self, sign: int) -> Term:
        self.peek()
        start, count = self.at, self.number()
        if self.peek() != "d":
            if count is None:
                raise self.error("Dice or a number are expected here, such as 2d6 or 3.")
            return Term(sign, count, source=self.lower[start : self.at].strip())
        self.next()
        if count == 0:
            self.at = start
            raise self.error("At least one die.")
        low, high = self.sides()
        term = Term(sign, 1 if count is None else count, low, high)
        while rule := self.rule(term):
            term = replace(term, rules=(*term.rules, rule))
        return replace(term, source=self.lower[start : self.at].strip())

    def sides(self) -> tuple[int, int]:
        if self.peek() == "%":
            self.next()
            return 1, 100
        if self.peek() == "f":
            self.next()
            return -1, 1
        start, sides = self.at, self.number()
        if sides is None:
            raise self.error("How many sides? Write d6, d% or dF.")
        if not 2 <= sides <= MAX_SIDES:
            self.at = start
            raise self.error(f"A die has 2 to {MAX_SIDES} sides.")
        return 1, sides

    def rule(self, term: Term) -> Rule | None:
        word, start = self.peek(), self.at
        if word not in ("k", "kh", "kl", "dh", "dl", "!", "r"):
            return None
        self.next()
        kind = "kh" if word == "k" else word
        if kind in (rule.kind for rule in term.rules) or (
            kind in _KEEPERS and any(rule.kind in _KEEPERS for rule in term.rules)
        ):
            self.at = start
            raise self.error("One such rule is enough.")
        if kind == "!":
            return Rule(kind, 0)
        number = self.number()
        if kind == "r":
            if number is None or not term.low <= number < term.high:
                self.at = start
                raise self.error(f"'r' wants the greatest value to roll again, {term.low} to {term.high - 1}.")
            return Rule(kind, number)
        return Rule(kind, 1 if number is None else number)

    def twice(self, terms: list[Term], word: str) -> list[Term]:
        for i, term in enumerate(terms):
            if term.is_dice and term.count == 1 and not any(rule.kind in _KEEPERS for rule in term.rules):
                rule = Rule("kh" if word == "adv" else "kl", 1)
                doubled = replace(term, count=2, rules=(*term.rules, rule), source=f"{term.source} {word}")
                return [*terms[:i], doubled, *terms[i + 1 :]]
        self.at -= len(word)
        raise self.error(f"'{word}' needs a single die to roll twice, such as d20 {word}.")

    def number(self) -> int | None:
        word = self.peek()
        if not (word.isascii() and word.isdigit()):
            return None
        # The length is checked first: Python refuses to read numbers of thousands of digits.
        if len(word) > len(str(MAX_NUMBER)) or int(word) > MAX_NUMBER:
            raise self.error(f"No number above {MAX_NUMBER}.")
        return int(self.next())

    def peek(self) -> str:
        while self.lower[self.at : self.at + 1].isspace():
            self.at += 1
        match = self._TOKEN.match(self.lower, self.at)
        return match.group() if match else self.lower[self.at : self.at + 1]

    def next(self) -> str:
        word = self.peek()
        self.at += len(word)
        return word

    def error(self, message: str) -> NotationError:
        return NotationError(message, self.text, self.at)


_KEEPERS = ("kh", "kl", "dh", "dl")


def parse(text: str) -> Roll:
    """Reads a roll; NotationError shows where it is wrong."""
    if len(text) > MAX_LENGTH:
        raise NotationError(f"A roll has at most {MAX_LENGTH} characters.", text[:20] + "...", 0)
    return _Parser(text).parse()


def throw(roll: Roll, die: Die, max_dice: int) -> list[Outcome]:
    """Throws a roll as often as it asks. ValueError when that takes more than ``max_dice`` dice."""
    left = max_dice
    outcomes = []
    for _ in range(roll.repeats):
        total = 0
        dice = []
        for term in roll.terms:
            if not term.is_dice:
                total += term.sign * term.count
                continue
            shown = _throw_term(term, die, left)
            left -= len(shown)
            dice.append((term, shown))
            total += term.sign * sum(one.value for one in shown if one.kept)
        outcomes.append(Outcome(tuple(dice), total))
    return outcomes


def _throw_term(term: Term, die: Die, most: int) -> tuple[Shown, ...]:
    rules = {rule.kind: rule.number for rule in term.rules}
    values: list[int] = []
    to_throw = term.count
    while to_throw:
        if len(values) + to_throw > most:
            raise ValueError("That takes too many dice.")
        new = [die(term.low, term.high) for _ in range(to_throw)]
        if "r" in rules:
            new = [die(term.low, term.high) if value <= rules["r"] else value for value in new]
        values += new
        to_throw = sum(value == term.high for value in new) if "!" in rules else 0
    kept = _kept(values, rules)
    return tuple(Shown(value, i in kept) for i, value in enumerate(values))


def _kept(values: list[int], rules: dict[str, int]) -> set[int]:
    """The places of the dice that count. Of equal dice the first ones are kept."""
    rising = sorted(range(len(values)), key=lambda i: (values[i], -i))
    for kind, number in rules.items():
        if kind == "kh":
            return set(rising[max(len(rising) - number, 0) :])
        if kind == "dl":
            return set(rising[number:])
        if kind == "kl":
            return set(rising[:number])
        if kind == "dh":
            return set(rising[: max(len(rising) - number, 0)])
    return set(rising)
