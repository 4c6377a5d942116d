"""Single values from their text: durations, addresses, names, paths.

Floor 1: pure. Each function gives the value or raises a ``ScalarError`` that reads value, problem, remedy.
"""

import re
import socket
from enum import Enum
from typing import TypeVar

from udev_device_plugin.config.faults import listed, quoted
from udev_device_plugin.config.settings import ListenAddress

MAX_SOCKET_PATH = 107
"""Bytes of a unix socket's path, as the kernel has it (``sun_path`` without the closing NUL)."""

SOCKET_NAME = 33
"""Bytes of the shortest name that a resource's socket can have (``kubelet.endpoint``)."""

E = TypeVar("E", bound=Enum)


class ScalarError(ValueError):
    """A text that is not the value that is needed."""


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
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_MAX_DURATION_TEXT = 100  # Python refuses to read numbers of thousands of digits
_MAX_NANOSECONDS = 2**63 - 1


def parse_duration(text: str) -> float:
    """Read a duration as Go's ``time.ParseDuration`` does, but not a negative one; in seconds."""
    unsigned = text.removeprefix("+")
    if unsigned == "0":
        return 0.0
    if text.startswith("-"):
        raise ScalarError(f"{quoted(text)} is negative; give a duration of 0 or more")
    if len(text) > _MAX_DURATION_TEXT:
        raise ScalarError(f"{quoted(text)} is too long for a duration; write it as 500ms, 30s, 5m or 1h30m")
    nanoseconds = 0
    position = 0
    while position < len(unsigned) or not unsigned:
        part = _PART.match(unsigned, position)
        nanoseconds += _nanoseconds(part, text)
        position = part.end() if part else 0
    if nanoseconds > _MAX_NANOSECONDS:
        raise ScalarError(f"{quoted(text)} is too far off; a duration is at most 2562047h")
    return nanoseconds / 10**9


def _nanoseconds(part: re.Match[str] | None, text: str) -> int:
    whole, decimals, unit = part.groups() if part else ("", "", "")
    if not whole and not decimals:
        raise ScalarError(f"{quoted(text)} is not a duration; write it as 500ms, 30s, 5m or 1h30m")
    if not unit:
        raise ScalarError(f"{quoted(text)} lacks a unit; write it as {quoted(text + 's')} if seconds are meant")
    if unit not in _NANOSECONDS:
        raise ScalarError(f"{quoted(text)} has the unknown unit {quoted(unit)}; use h, m, s, ms, us or ns")
    digits, places = int(f"{whole or ''}{decimals or ''}"), len(decimals or "")
    nanoseconds: int = digits * _NANOSECONDS[unit] // 10**places
    return nanoseconds


_MAX_PORT = 65535


def parse_listen(text: str) -> ListenAddress | None:
    """Read ``host:port``; empty text turns listening off."""
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
    if host == "localhost":  # what Go's net.Listen makes of it; no other name is resolved here
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
    """Read the prefix of resource names: an RFC 1123 subdomain that a kubelet takes for one."""
    if not re.fullmatch(rf"{NAME}(?:\.{NAME})*", text):
        problem = "is not an RFC 1123 subdomain"
        raise ScalarError(f"{quoted(text)} {problem}; use lower-case letters, digits, - and ., as in squat.ai")
    if text.endswith("kubernetes.io"):
        raise ScalarError(f"{quoted(text)} is reserved for Kubernetes itself; use a domain of your own")
    if text.startswith("requests."):
        raise ScalarError(f'{quoted(text)} begins with "requests.", which a kubelet refuses; use another domain')
    if len(text) > _MAX_DOMAIN:
        raise ScalarError(f"{quoted(text)} has {len(text)} characters; a kubelet takes at most {_MAX_DOMAIN}")
    return text


def parse_resource_name(text: str) -> str:
    """Read a resource's name without its domain."""
    if not re.fullmatch(NAME, text):
        problem = "is not a resource name"
        raise ScalarError(f"{quoted(text)} {problem}; use lower-case letters, digits and, between them, -")
    if len(text) > MAX_NAME:
        raise ScalarError(f"{quoted(text)} has {len(text)} characters; a kubelet takes at most {MAX_NAME}")
    return text


def parse_permissions(text: str) -> str:
    """Read what the device cgroup shall allow."""
    if not text:
        raise ScalarError('"" allows nothing, and the container would not start; use letters of mrw')
    if not set(text) <= set("mrw") or len(set(text)) < len(text):
        raise ScalarError(f"{quoted(text)} is not made of m, r and w, each at most once; as in mrw or rw")
    return text


def parse_choice(text: str, choices: type[E]) -> E:
    """Read one of an enumeration's values."""
    for choice in choices:
        if choice.value == text:
            return choice
    values = [str(choice.value) for choice in choices]
    raise ScalarError(f"{quoted(text)} is not one of the choices; use {listed(values)}")


def parse_path(text: str) -> str:
    """Read an absolute path and give its shortest spelling; a trailing slash stays."""
    if not text.startswith("/"):
        raise ScalarError(f"{quoted(text)} is not an absolute path; begin with /")
    if "\0" in text or not _is_unicode(text):
        raise ScalarError(f"{quoted(text)} contains what no path of a container can; use UTF-8, without NUL")
    elements = [element for element in text.split("/") if element not in ("", ".")]
    if ".." in elements:
        raise ScalarError(f"{quoted(text)} leads back up with an element ..; write the path without it")
    trailing = "/" if elements and text.endswith(("/", "/.")) else ""
    return "/" + "/".join(elements) + trailing


def parse_socket_path(text: str) -> str:
    """Read the path of a unix socket."""
    path = parse_path(text)
    if (length := len(path.encode())) > MAX_SOCKET_PATH:
        raise ScalarError(f"{quoted(text)} has {length} bytes; a socket's path has at most {MAX_SOCKET_PATH}")
    return path


def parse_socket_directory(text: str) -> str:
    """Read the directory of the kubelet's socket; with a trailing slash."""
    path = parse_path(text).rstrip("/") + "/"
    length, most = len(path.encode()), MAX_SOCKET_PATH - SOCKET_NAME
    if length > most:
        problem = f"has {length} bytes; with the sockets in it, of {MAX_SOCKET_PATH} at most, it can have {most}"
        raise ScalarError(f"{quoted(text)} {problem}; choose a shorter one, a symbolic link will do")
    return path


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
