"""Keeps out of the process what libraries import on the chance that somebody wants it: 6 MiB, and 30 ms of a start.

Floor 0. OpenSSL: asyncio does without where a Python has none; that is what it is made to see (``None`` in
``sys.modules`` is the documented way). What is wanted for class bodies and signatures only, until somebody serves or
pushes metrics in another way than we do, is given names. What stands in is gone again after the import, so that whoever
else asks gets the real thing. For the program's own process only: a library must not do this to its user.
"""

import contextlib
import ctypes
import gc
import sys
import typing
from collections.abc import Iterator, Mapping
from types import ModuleType


class _NamesOnly(ModuleType):
    """A module in which every name is a type that nobody can use."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def keep_out() -> None:
    """Import those who would import too much, without that. Does nothing if somebody has imported it already."""
    if "ssl" in sys.modules or "_hashlib" in sys.modules:
        return
    sys.modules["_hashlib"] = None  # type: ignore[assignment]  # hashlib has hashes of its own for that case
    with _standing_in({"ssl": None}):
        import asyncio  # noqa: F401, PLC0415 - the order is the point
    with _standing_in(_for_prometheus()):
        import prometheus_client  # noqa: F401, PLC0415
    with _standing_in(_for_grpc()):
        import grpc  # noqa: F401, PLC0415
        from google.protobuf import descriptor_pool  # noqa: F401, PLC0415
        from google.protobuf.internal import builder  # noqa: F401, PLC0415


def keep_out_of_reading() -> None:
    """The same for what reads a configuration: YAML's parser in C, unused here, and not to be let go."""
    with _standing_in({"yaml._yaml": None}):
        import yaml  # noqa: F401, PLC0415


def keep_out_of_web() -> None:
    """The same for what answers over HTTP: what it takes to ask over HTTPS, and to read HTML."""
    entities = ModuleType("html.entities")
    vars(entities).update(html5={}, entitydefs={}, name2codepoint={}, codepoint2name={})
    with _standing_in({"ssl": None, "html.entities": entities}):
        import http.server  # noqa: F401, PLC0415


def collect_nothing() -> None:
    """Leave garbage where it is until ``give_back``: what a start imports stays, and to look through it takes 30 ms."""
    gc.disable()


def let_go(*names: str) -> None:
    """Forget modules and packages that have done their work, so that what is imported next has their place; 2 MiB.

    Who needs one again imports it again, within a function: whoever keeps a name of it keeps all of it.
    """
    inside = tuple(f"{name}." for name in names)
    for name in [known for known in sys.modules if f"{known}.".startswith(inside)]:
        del sys.modules[name]
        package, _, module = name.rpartition(".")
        if package in sys.modules:
            vars(sys.modules[package]).pop(module, None)
    gc.collect()


def give_back() -> None:
    """Give the kernel back the memory that is free within ours: glibc keeps it otherwise.

    What is there by now stays for good; the garbage collector, which took 12 ms each time, leaves it alone from now on.
    """
    gc.enable()
    gc.collect()
    gc.freeze()
    with contextlib.suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def _standing_in(modules: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Have these found where they are not loaded yet; an import that wants more of them is done for real."""
    mine = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(mine)  # type: ignore[arg-type]  # None, as above
    # This saves memory, no more: what fails here is imported once more by who needs it, and says what it lacks.
    with contextlib.suppress(Exception):
        yield
    for name, module in mine.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]


def _for_prometheus() -> Mapping[str, ModuleType]:
    """Serving over HTTP, which ``web`` does, pushing to a gateway, and metrics about Python."""
    names = (
        "ssl",
        "http.server",
        "wsgiref.simple_server",
        "urllib.request",
        "prometheus_client.platform_collector",
        "prometheus_client.gc_collector",
    )
    return {name: _NamesOnly(name) for name in names}


def _for_grpc() -> Mapping[str, ModuleType]:
    """Typing's future, which is this Python's present; and messages in pure Python, where there are those in C."""
    spared: dict[str, ModuleType] = {"typing_extensions": typing}
    from google.protobuf.internal import api_implementation  # noqa: PLC0415 - what it is for is known only now

    if api_implementation.Type() == "upb":
        name = "google.protobuf.internal.python_message"
        spared[name] = _NamesOnly(name)
    return spared
