"""``/`` and ``/devices``: one JSON for each state, shared by all that ask; or a part of it.

Event loop only. ``/devices?newer-than=GENERATION`` waits until the generation is another one;
``/devices?limit=LINES`` has so many lines of the list at most (``MAX_LINES``), and ``continue`` for the next request.
"""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qs

from udev_device_plugin.reporting.http.collect import StatusCollector
from udev_device_plugin.reporting.http.messages import Answer, Request, line
from udev_device_plugin.reporting.http.page import page_with
from udev_device_plugin.reporting.http.status import Status
from udev_device_plugin.reporting.http.status_json import count_lines, moment, to_json

MAX_VIEWERS = 16
"""How many requests may wait for a change at a time; further clients have to poll."""

ASK_AGAIN = 5
"""Seconds until those are to ask again."""

NEWS_TIMEOUT = 15.0
"""Seconds after which a request that waits for a change is answered without one: some proxies close idle connections,
and a change of which pods hold what notifies no request."""

MAX_LINES = 500
"""Lines of a part: about 0.1 MiB, which each of the server's connections may hold as long as its client reads slowly;
parts are not shared."""

SLICE = 0.002
"""Seconds of work on a JSON, after which everything else has as long: thousands of lines are no reason to be late."""

CHUNK = 64 * 1024
"""Bytes that are collected before they are put aside."""

CLOCK_STEP = 1.0
"""Seconds by which the clock may differ from when a JSON was made, whose times were computed with it."""

JSON = "application/json; charset=utf-8"

_GENERATION = re.compile(r"[0-9a-z-]{1,64}", re.ASCII)
_CONTINUE = re.compile(r"([0-9a-z-]{1,64})\.([0-9]{1,9})", re.ASCII)
_LIMIT = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


class StatusPages:
    """Answers with the status."""

    def __init__(self, source: StatusCollector) -> None:
        self._source = source
        self._turn = asyncio.Lock()
        self._viewers = 0
        self._begun = 0
        self._made = 0
        self._shown: Status | None = None
        self._json: tuple[bytes, ...] = ()

    async def page(self) -> Answer:
        """Return the page for a browser, with the present status in it."""
        await self._source.refresh()
        return page_with(await self._whole())

    async def devices(self, request: Request) -> Answer:
        """Return the status as JSON, as the query wants it."""
        try:
            query = _Query.parse(request.query)
        except ValueError as error:
            return line(HTTPStatus.BAD_REQUEST, str(error))
        if query.newer_than is None:
            await self._source.refresh()
        elif self._viewers >= MAX_VIEWERS:
            problem = f"{MAX_VIEWERS} clients wait for changes already: ask /devices now and then"
            return line(HTTPStatus.SERVICE_UNAVAILABLE, problem, {"Retry-After": str(ASK_AGAIN)})
        elif not await self._is_newer(query.newer_than, request):
            return Answer(HTTPStatus.NO_CONTENT)
        if query.limit is not None:
            return await self._part(query.start, query.limit, query.generation)
        return Answer(HTTPStatus.OK, await self._whole(), JSON)

    async def _is_newer(self, generation: str, request: Request) -> bool:
        """Wait for a newer generation; False if there was none, or the client has left."""
        self._viewers += 1
        newer = asyncio.ensure_future(self._source.newer_than(generation))
        closed = asyncio.ensure_future(request.until_closed())
        try:
            await asyncio.wait((newer, closed), timeout=NEWS_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
            return newer.done() and newer.result() is None
        finally:
            self._viewers -= 1
            newer.cancel()
            closed.cancel()
            await asyncio.wait((newer, closed))  # the socket may be closed when nobody waits for it any more

    async def _whole(self) -> tuple[bytes, ...]:
        asked_at = self._begun
        async with self._turn:
            # What another request had made since this one was asked is new enough: it costs once, however many ask.
            if self._shown is None or self._made <= asked_at:
                self._begun = turn = self._begun + 1
                status = self._source.status()
                if self._shown is None or not _look_equal(status, self._shown):
                    self._json = await _bytes(to_json(status, range(count_lines(status))))
                self._shown, self._made = status, turn
            return moment(self._shown), *self._json

    async def _part(self, start: int, limit: int, generation: str | None) -> Answer:
        async with self._turn:
            status = self._source.status()
            if generation not in (None, status.generation):
                problem = "continue: the list has changed meanwhile: begin again, without continue"
                return line(HTTPStatus.GONE, problem)
            total = count_lines(status)
            stop = min(start + min(limit, MAX_LINES), total)
            body = await _bytes(to_json(status, range(start, stop)))
        follows = f"{status.generation}.{stop}" if stop < total else None
        return Answer(HTTPStatus.OK, (moment(status, follows), *body), JSON)


@dataclass(frozen=True, slots=True)
class _Query:
    """What is asked of ``/devices``.

    Attributes:
        newer_than: wait until this is not the present generation.
        limit: lines of the answer, at most; all without.
        generation: the one that an earlier part was of.
        start: how many lines the earlier parts had.
    """

    newer_than: str | None
    limit: int | None
    generation: str | None
    start: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the query; raises ``ValueError`` with a line for a person."""
        fields = {name: values[-1] for name, values in parse_qs(text).items()}
        newer_than, limit, continue_ = (fields.get(name) for name in ("newer-than", "limit", "continue"))
        if newer_than is not None and not _GENERATION.fullmatch(newer_than):
            raise ValueError("newer-than: not a generation: give the one of the last answer")
        if limit is not None and not _LIMIT.fullmatch(limit):
            raise ValueError("limit: not a number of lines: give one from 1 on")
        place = _CONTINUE.fullmatch(continue_) if continue_ is not None else None
        if continue_ is not None and (place is None or limit is None):
            raise ValueError("continue: give that of the last answer, and a limit")
        generation, start = (place[1], int(place[2])) if place else (None, 0)
        return cls(newer_than, int(limit) if limit else None, generation, start)


def _look_equal(one: Status, other: Status) -> bool:
    """Return whether both have the same JSON but for the moment."""
    return one == other and abs(one.clock_ahead - other.clock_ahead) < CLOCK_STEP


async def _bytes(pieces: Iterable[str]) -> tuple[bytes, ...]:
    """Join pieces of ASCII, with everything else of the event loop in between."""
    loop = asyncio.get_running_loop()
    end, chunks, chunk = loop.time() + SLICE, list[bytes](), bytearray()
    for piece in pieces:
        chunk += piece.encode("ascii")
        if len(chunk) >= CHUNK:
            chunks.append(bytes(chunk))
            chunk.clear()
        if loop.time() >= end:
            await asyncio.sleep(SLICE)
            end = loop.time() + SLICE
    return *chunks, bytes(chunk)
