"""Parsers of single values: durations, addresses, names, paths.

Pure. Each function returns the value or raises a ``ScalarError`` that reads value, problem, remedy.
"""

import re
import socket
from enum import Enum
from typing import TypeVar

from udev_device_plugin.config.faults import listed, quoted
from udev_device_plugin.config.settings import ListenAddress

MAX_SOCKET_PATH = 107
"""Bytes of a unix socket's path, as in the kernel (``sun_path`` without the closing NUL)."""
SOCKET_NAME = 33
"""Bytes of the shortest name that a resource's socket can have (``kubelet.endpoint``)."""

E = TypeVar("E", bound=Enum)


class ScalarError(ValueError):
    """The text is not a value of the type that is needed."""


_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # U+00B5, the micro sign
    "μs": 10**3,  # U+03BC, the Greek letter: Go takes both
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_MAX_DURATION_TEXT = 100  # Python refuses to read numbers of thousands of digits
_MAX_NANOSECONDS = 2**63 - 1


def parse_duration(text: str) -> float:
    """Return the seconds of a duration, read as by Go's ``time.ParseDuration``, but never negative."""
    unsigned = text.removeprefix("+")
    if unsigned == "0":
        return 0.0
    if text.startswith("-"):
        raise ScalarError(f"{quoted(text)} is negative; give a duration of 0 or more")
    if len(text) > _MAX_DURATION_TEXT:
        raise ScalarError(f"{quoted(text)} is too long for a duration; write it as 500ms, 30s, 5m or 1h30m")
    parts = _DURATION_PART.findall(unsigned)[:-1] or [("", "", "")]  # without the empty match at the end
    nanoseconds = sum(_nanoseconds(whole, decimals, unit, text) for whole, decimals, unit in parts)
    if nanoseconds > _MAX_NANOSECONDS:
        raise ScalarError(f"{quoted(text)} is too far off; give at most 2562047h")
    return nanoseconds / 10**9


def _nanoseconds(whole: str, decimals: str, unit: str, text: str) -> int:
    if not whole and not decimals:
        raise ScalarError(f"{quoted(text)} is not a duration; write it as 500ms, 30s, 5m or 1h30m")
    if not unit:
        raise ScalarError(f"{quoted(text)} lacks a unit; write it as {quoted(text + 's')} if seconds are meant")
    if unit not in _NANOSECONDS:
        raise ScalarError(f"{quoted(text)} has the unknown unit {quoted(unit)}; use h, m, s, ms, us or ns")
    return int(whole + decimals) * _NANOSECONDS[unit] // int(10 ** len(decimals))


_MAX_PORT = 65535


def parse_listen(text: str) -> ListenAddress | None:
    """Return the address of ``host:port``; None, which is not to listen, for an empty text."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise ScalarError(f"{quoted(text)} is not an address; write :8080, 127.0.0.1:8080 or [::1]:8080")
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _MAX_PORT:
        raise ScalarError(f"{quoted(text)} has no usable port; give a number from 0 to 65535 after the colon")
    return ListenAddress(_host(host, text), int(port))


def _host(host: str, text: str) -> str:
    if host == "":
        return ""
    if host == "localhost":  # as Go's net.Listen resolves it; no other name is resolved here
        return "127.0.0.1"
    family, address = (socket.AF_INET6, host[1:-1]) if host.startswith("[") else (socket.AF_INET, host)
    try:
        socket.inet_pton(family, address)
    except (OSError, ValueError) as error:
        problem = "does not begin with an IP address"
        raise ScalarError(f"{quoted(text)} {problem}; write :8080, 127.0.0.1:8080 or [::1]:8080") from error
    return address


NAME = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
"""A resource's name, and each label of a domain."""

MAX_NAME = 63
_MAX_DOMAIN = 253 - len("requests.")


def parse_domain(text: str) -> str:
    """Return the domain of resource names: an RFC 1123 subdomain that a kubelet accepts."""
    if not re.fullmatch(rf"{NAME}(?:\.{NAME})*", text):
        problem = "is not an RFC 1123 subdomain"
        raise ScalarError(f"{quoted(text)} {problem}; use lower-case letters, digits, - and ., as in squat.ai")
    if text.endswith("kubernetes.io"):
        raise ScalarError(f"{quoted(text)} is reserved for Kubernetes itself; use a domain of your own")
    if text.startswith("requests."):
        raise ScalarError(f'{quoted(text)} begins with "requests.", which a kubelet refuses; use another domain')
    if len(text) > _MAX_DOMAIN:
        raise ScalarError(
            f"{quoted(text)} has {len(text)} characters; a kubelet takes at most {_MAX_DOMAIN}; shorten it"
        )
    return text


def parse_resource_name(text: str) -> str:
    """Return a resource's name without its domain."""
    if not re.fullmatch(NAME, text):
        problem = "is not a resource name"
        raise ScalarError(f"{quoted(text)} {problem}; use lower-case letters, digits and, between them, -")
    if len(text) > MAX_NAME:
        raise ScalarError(f"{quoted(text)} has {len(text)} characters; a kubelet takes at most {MAX_NAME}; shorten it")
    return text


def parse_permissions(text: str) -> str:
    """Return the permissions for the device cgroup."""
    if not text:
        raise ScalarError('"" allows nothing, and the container would not start; use letters of mrw')
    if not set(text) <= set("mrw") or len(set(text)) < len(text):
        raise ScalarError(f"{quoted(text)} is not made of m, r and w, each at most once; as in mrw or rw")
    return text


def parse_choice(text: str, choices: type[E]) -> E:
    """Return the member of an enumeration of strings."""
    try:
        return choices(text)
    except ValueError as error:
        values = listed(str(choice.value) for choice in choices)
        raise ScalarError(f"{quoted(text)} is not one of the choices; use {values}") from error


def parse_path(text: str) -> str:
    """Return the shortest spelling of an absolute path; a trailing slash stays."""
    if not text.startswith("/"):
        raise ScalarError(f"{quoted(text)} is not an absolute path; begin with /")
    if re.search(r"[\0\ud800-\udfff]", text):  # a surrogate is half a character, and has no UTF-8
        raise ScalarError(f"{quoted(text)} contains what no path of a container can; use UTF-8, without NUL")
    elements = [element for element in text.split("/") if element not in ("", ".")]
    if ".." in elements:
        raise ScalarError(f"{quoted(text)} leads back up with an element ..; write the path without it")
    trailing = "/" if elements and text.endswith(("/", "/.")) else ""
    return "/" + "/".join(elements) + trailing


def parse_socket_path(text: str) -> str:
    """Return the path of a unix socket."""
    path = parse_path(text)
    if (length := len(path.encode())) > MAX_SOCKET_PATH:
        problem = f"has {length} bytes; a socket's path has at most {MAX_SOCKET_PATH}"
        raise ScalarError(f"{quoted(text)} {problem}: choose a shorter one, a symbolic link will do")
    return path


def parse_socket_directory(text: str) -> str:
    """Return the directory of the kubelet's socket, with a trailing slash."""
    path = parse_path(text).rstrip("/") + "/"
    length, most = len(path.encode()), MAX_SOCKET_PATH - SOCKET_NAME
    if length > most:
        problem = f"has {length} bytes; with the sockets in it, of {MAX_SOCKET_PATH} at most, it can have {most}"
        raise ScalarError(f"{quoted(text)} {problem}; choose a shorter one, a symbolic link will do")
    return path
