"""Keeps Python's TLS out of the process: nothing here speaks it, and OpenSSL costs 4 MiB and 20 ms.

Floor 0. asyncio imports ``ssl`` on the chance that somebody wants it, and does without where a Python has none; that is
what it is made to see (``None`` in ``sys.modules`` is the documented way). prometheus-client's exposition wants names
from it for its signatures, until it is told to serve or push over TLS: it gets names. For the program's own process
only: a library must not do this to its user.
"""

import contextlib
import sys
from types import ModuleType


class _NamesOnly(ModuleType):
    """A module in which every name is a type that nobody can use."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def keep_out() -> None:
    """Import those who would import ``ssl``, without it. Does nothing if somebody has imported it already."""
    if "ssl" in sys.modules or "_hashlib" in sys.modules:
        return
    sys.modules["_hashlib"] = None  # type: ignore[assignment]  # hashlib has hashes of its own for that case
    # Should a library want more than names, it gets the real module: this saves memory, no more.
    with contextlib.suppress(Exception):
        sys.modules["ssl"] = None  # type: ignore[assignment]  # as above
        import asyncio  # noqa: F401, PLC0415 - the order is the point

        sys.modules["ssl"] = _NamesOnly("ssl")
        import prometheus_client  # noqa: F401, PLC0415
    del sys.modules["ssl"]
