"""The status page: one file, read at the first request, with the first status in it.

No markup is made of what udev says: that is data, which the browser's script shows as text. The content security policy
allows only the file's own script and style, by their hashes, and requests to this server.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus

from udev_device_plugin.reporting.http.messages import Answer

_STATE = "{STATE}"
"""The place of the first status in the file."""


def page_with(state: Iterable[bytes]) -> Answer:
    """Return the page with a status, in pieces of JSON without ``<``, ``>`` and ``&``."""
    before, after, headers = _file()
    return Answer(HTTPStatus.OK, (before, *state, after), "text/html; charset=utf-8", headers)


@cache
def _file() -> tuple[bytes, bytes, Mapping[str, str]]:
    """Return the file before and after the status, and the HTTP headers that it needs."""
    with open(os.path.join(os.path.dirname(__file__), "page.html"), encoding="utf-8") as file:
        text = file.read()
    before, after = text.split(_STATE, 1)
    return before.encode(), after.encode(), _headers(text)


def _headers(text: str) -> Mapping[str, str]:
    policy = [
        "default-src 'none'",
        f"script-src {_hashes(text, 'script')}",
        f"style-src {_hashes(text, 'style')}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _hashes(text: str, tag: str) -> str:
    """Return the hashes of all elements with that tag and no attributes (the status has a type)."""
    contents = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
