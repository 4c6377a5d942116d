"""The page for a person: one file, read at the first look, with the first state in it.

Nothing in it is made of what udev says: that comes as data, and becomes text in the browser. The policy lets only the
file's own script and style have effect, by their hashes, and lets the script talk to nobody but us.
"""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self

_STATE = "{STATE}"
"""What stands in the file where the first state belongs."""


@dataclass(frozen=True, slots=True)
class Page:
    """The page, without a state yet.

    Attributes:
        before: its text up to the state.
        after: and from there on.
        headers: that it needs.
    """

    before: str
    after: str
    headers: Mapping[str, str]

    @classmethod
    @cache
    def load(cls) -> Self:
        """The page as it is in the package."""
        with open(os.path.join(os.path.dirname(__file__), "page.html"), encoding="utf-8") as file:
            text = file.read()
        before, after = text.split(_STATE, 1)
        return cls(before, after, _headers(text))

    def showing(self, json: str) -> str:
        """The page with a state, which is JSON in ASCII."""
        return f"{self.before}{embedded(json)}{self.after}"


def embedded(json: str) -> str:
    r"""JSON in ASCII such that HTML sees no markup in it: ``<`` can only stand in strings, as ``\u003c`` as well."""
    return json.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


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
    """The hashes of all elements of that kind, which have no attributes; data has a type."""
    contents = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
