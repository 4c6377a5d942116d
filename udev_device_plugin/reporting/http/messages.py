"""A request and its answer, as values. Pure."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Request:
    """One request, complete.

    Attributes:
        path: as it was sent, without the query.
        query: what stands behind the ``?``.
        headers: lower-case name → value; of several with one name, the last.
        peer: the client's IP address.
        until_closed: returns when the client has closed the connection.
    """

    path: str
    query: str
    headers: Mapping[str, str]
    peer: str
    until_closed: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its whole body, which is not copied: several answers may share it.

    Attributes:
        status: with its phrase.
        body: in pieces.
        content_type: of the body.
        headers: others than ``Content-Type``, ``Content-Length`` and those that each answer has.
    """

    status: HTTPStatus
    body: tuple[bytes, ...] = ()
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[Request], Awaitable[Answer]]
"""Makes the answer to a request."""


def lines(status: HTTPStatus, texts: Iterable[str], headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer for a person, of lines without their ends."""
    body = "".join(f"{text}\n" for text in texts).encode("utf-8", "backslashreplace")
    return Answer(status, (body,), headers=headers or {})


def line(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer of one line."""
    return lines(status, (text,), headers)
