"""Polls and votes in one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
create table if not exists poll (
    channel text not null,
    number integer not null,
    owner text not null,
    question text not null,
    opened_at integer not null,
    closed_at integer,
    primary key (channel, number)
);
create table if not exists choice (
    channel text not null,
    number integer not null,
    position integer not null,
    text text not null,
    primary key (channel, number, position),
    foreign key (channel, number) references poll on delete cascade
);
create table if not exists vote (
    channel text not null,
    number integer not null,
    user text not null,
    position integer not null,
    primary key (channel, number, user),
    foreign key (channel, number, position) references choice on delete cascade
);
"""


@dataclass(frozen=True)
class Poll:
    """A poll and how it stands. ``options`` are texts with their votes, in the order they were given."""

    number: int
    owner: str
    question: str
    options: list[tuple[str, int]]
    closed: bool


class Refused(Exception):
    """Something that can't be done, in words for the person who asked."""


class Store:
    """Numbers count up from 1 in each channel. Every method is one transaction, from whichever thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._transaction() as db:
            db.executescript(_SCHEMA)

    def open(self, channel: str, owner: str, question: str, options: list[str]) -> Poll:
        with self._transaction() as db:
            row = db.execute(
                "select coalesce(max(number), 0) + 1 from poll where channel = ?", (channel,)
            ).fetchone()
            number = int(row[0])
            db.execute(
                "insert into poll (channel, number, owner, question, opened_at) values (?, ?, ?, ?, ?)",
                (channel, number, owner, question, int(time.time())),
            )
            db.executemany(
                "insert into choice (channel, number, position, text) values (?, ?, ?, ?)",
                [(channel, number, i, text) for i, text in enumerate(options, 1)],
            )
            return self._poll(db, channel, number)

    def vote(self, channel: str, number: int, user: str, position: int) -> Poll:
        """Counts a vote; a second one by the same user takes the first one's place."""
        with self._transaction() as db:
            poll = self._poll(db, channel, number)
            if poll.closed:
                raise Refused(f"Poll {number} is closed.")
            if not 1 <= position <= len(poll.options):
                raise Refused(f"Poll {number} has the options 1 to {len(poll.options)}.")
            db.execute(
                "insert into vote (channel, number, user, position) values (?, ?, ?, ?)"
                " on conflict (channel, number, user) do update set position = excluded.position",
                (channel, number, user, position),
            )
            return self._poll(db, channel, number)

    def close(self, channel: str, number: int, user: str) -> Poll:
        with self._transaction() as db:
            poll = self._poll(db, channel, number)
            if poll.owner != user:
                raise Refused(f"Poll {number} is {poll.owner}'s, who alone can close it.")
            db.execute(
                "update poll set closed_at = coalesce(closed_at, ?) where channel = ? and number = ?",
                (int(time.time()), channel, number),
            )
            return self._poll(db, channel, number)

    def show(self, channel: str, number: int) -> Poll:
        with self._transaction() as db:
            return self._poll(db, channel, number)

    def open_polls(self, channel: str) -> list[Poll]:
        with self._transaction() as db:
            rows = db.execute(
                "select number from poll where channel = ? and closed_at is null order by number", (channel,)
            ).fetchall()
            return [self._poll(db, channel, number) for (number,) in rows]

    def forget(self, closed_before: float) -> None:
        """Drops old polls. The newest of a channel stays, so that no number is given twice."""
        with self._transaction() as db:
            db.execute(
                "delete from poll where closed_at < ?"
                " and number < (select max(number) from poll as other where other.channel = poll.channel)",
                (closed_before,),
            )

    def _poll(self, db: sqlite3.Connection, channel: str, number: int) -> Poll:
        row = db.execute(
            "select owner, question, closed_at from poll where channel = ? and number = ?", (channel, number)
        ).fetchone()
        if row is None:
            raise Refused(f"There is no poll {number} here. /poll list shows the open ones.")
        options = db.execute(
            "select text, (select count(*) from vote where vote.channel = choice.channel"
            " and vote.number = choice.number and vote.position = choice.position)"
            " from choice where channel = ? and number = ? order by position",
            (channel, number),
        ).fetchall()
        return Poll(number, row[0], row[1], options, row[2] is not None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # A connection each time: it belongs to one thread, and calls come on several.
        db = sqlite3.connect(self._file, timeout=5, isolation_level=None)
        try:
            db.execute("pragma foreign_keys = on")
            # The lock is taken before the first read, so what was read still holds when it is written.
            db.execute("begin immediate")
            yield db
            if db.in_transaction:
                db.execute("commit")
        finally:
            db.close()  # rolls back what was not committed
