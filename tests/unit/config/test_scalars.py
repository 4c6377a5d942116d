"""Single values: what is read, and what is refused with value, problem and remedy."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from udev_device_plugin.config.scalars import (
    ScalarError,
    parse_choice,
    parse_domain,
    parse_duration,
    parse_listen,
    parse_path,
    parse_permissions,
    parse_resource_name,
    parse_socket_directory,
    parse_socket_path,
)
from udev_device_plugin.config.settings import ListenAddress, LogLevel
from udev_device_plugin.kubelet.device_plugin.server import socket_name


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        # from Go's own table (time/time_test.go), without the negative ones
        ("0", 0),
        ("5s", 5),
        ("30s", 30),
        ("1478s", 1478),
        ("+5s", 5),
        ("+0", 0),
        ("5.0s", 5),
        ("5.6s", 5.6),
        ("5.s", 5),
        (".5s", 0.5),
        ("1.004s", 1.004),
        ("100.00100s", 100.001),
        ("10ns", 10e-9),
        ("11us", 11e-6),
        ("12µs", 12e-6),
        ("12μs", 12e-6),
        ("13ms", 0.013),
        ("14s", 14),
        ("15m", 900),
        ("16h", 57600),
        ("3h30m", 12600),
        ("10.5s4m", 250.5),
        ("1h2m3s4ms5us6ns", 3723.004005006),
        ("39h9m14.425s", 140954.425),
        ("0.3333333333333333333h", 1200),
        ("0.9223372036854775807h", 3320.413933267),
        ("9223372036854775807ns", 9223372036.854775807),
        ("2562047h", 9223369200),
        ("500ms", 0.5),
        ("1h30m", 5400),
        ("0s", 0),
        ("1s1s", 2),
    ],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", '"" is not a duration; write it as 500ms'),
        ("3", '"3" lacks a unit; write it as "3s"'),
        ("1h5", "lacks a unit"),
        ("-5m", '"-5m" is negative; give a duration of 0 or more'),
        ("-", "negative"),
        ("+", "not a duration"),
        ("s", "not a duration"),
        (".", "not a duration"),
        (".s", "not a duration"),
        ("+.s", "not a duration"),
        ("1.2.3s", "lacks a unit"),
        ("5d", 'unknown unit "d"; use h, m, s'),
        ("1h 30m", 'unknown unit "h "'),
        ("5 minutes", 'unknown unit " minutes"'),
        ("5M", 'unknown unit "M"'),
        ("1e3s", 'unknown unit "e"'),
        ("٣s", "not a duration"),
        ("soon", "not a duration"),
        ("9223372036854775808ns", "at most 2562047h"),
        ("3000000h", "at most 2562047h"),
        ("9" * 5000 + "s", "too long"),
    ],
)
def test_what_is_no_duration_is_refused(text: str, words: str) -> None:
    with pytest.raises(ScalarError, match=re.escape(words)):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        (":8080", ListenAddress("", 8080)),
        (":0", ListenAddress("", 0)),
        ("127.0.0.1:8080", ListenAddress("127.0.0.1", 8080)),
        ("0.0.0.0:65535", ListenAddress("0.0.0.0", 65535)),
        ("[::1]:8080", ListenAddress("::1", 8080)),
        ("[::]:80", ListenAddress("::", 80)),
        ("localhost:8080", ListenAddress("127.0.0.1", 8080)),
    ],
)
def test_a_listen_address_is_host_and_port_or_off(text: str, address: ListenAddress | None) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("8080", "write :8080, 127.0.0.1:8080 or [::1]:8080"),
        ("127.0.0.1", "is not an address"),
        ("::1", "is not an address"),
        ("::1:8080", "is not an address"),
        ("[::1]", "is not an address"),
        (":", "no usable port; give a number from 0 to 65535"),
        (":http", "no usable port"),
        (":65536", "no usable port"),
        (":-1", "no usable port"),
        (":٣", "no usable port"),
        ("example.com:80", "does not begin with an IP address"),
        ("127.1:80", "does not begin with an IP address"),
        ("[127.0.0.1]:80", "does not begin with an IP address"),
        ("[fe80::1%eth0]:80", "does not begin with an IP address"),
        ("\0:80", r'"\x00:80" does not begin with an IP address'),
        ("http://x:80", "is not an address"),
    ],
)
def test_what_is_no_listen_address_is_refused(text: str, words: str) -> None:
    with pytest.raises(ScalarError, match=re.escape(words)):
        parse_listen(text)


@pytest.mark.parametrize("text", ["squat.ai", "a", "a.b.c", "x-y.z0", "0.1", "requests", "a" * 244])
def test_a_domain_that_a_kubelet_takes_is_taken(text: str) -> None:
    assert parse_domain(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "RFC 1123 subdomain; use lower-case"),
        ("Squat.ai", "RFC 1123"),
        ("squat_ai", "RFC 1123"),
        ("-a", "RFC 1123"),
        ("a-", "RFC 1123"),
        ("a..b", "RFC 1123"),
        (".a", "RFC 1123"),
        ("squat.ai/", "RFC 1123"),
        ("squat.ai\n", r'"squat.ai\n" is not'),
        ("kubernetes.io", "reserved for Kubernetes itself; use a domain of your own"),
        ("node.kubernetes.io", "reserved"),
        ("mykubernetes.io", "reserved"),
        ("requests.example", "which a kubelet refuses; use another domain"),
        ("a" * 245, "has 245 characters; a kubelet takes at most 244; shorten it"),
    ],
)
def test_a_domain_that_a_kubelet_refuses_is_refused(text: str, words: str) -> None:
    with pytest.raises(ScalarError, match=re.escape(words)):
        parse_domain(text)


@pytest.mark.parametrize("text", ["a", "0", "serial", "usb-3-0", "a" * 63])
def test_a_resource_name_of_lower_case_letters_digits_and_dashes_is_taken(text: str) -> None:
    assert parse_resource_name(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", '"" is not a resource name; use lower-case letters'),
        ("Serial", "not a resource name"),
        ("a.b", "not a resource name"),
        ("a_b", "not a resource name"),
        ("-a", "not a resource name"),
        ("a-", "not a resource name"),
        ("squat.ai/serial", "not a resource name"),
        ("a\n", "not a resource name"),
        ("a" * 64, "has 64 characters; a kubelet takes at most 63; shorten it"),
    ],
)
def test_any_other_resource_name_is_refused(text: str, words: str) -> None:
    with pytest.raises(ScalarError, match=re.escape(words)):
        parse_resource_name(text)


@pytest.mark.parametrize("text", ["r", "w", "m", "rw", "wr", "mrw", "rwm"])
def test_permissions_are_any_of_m_r_and_w(text: str) -> None:
    assert parse_permissions(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the container would not start; use letters of mrw"),
        ("rwx", '"rwx" is not made of m, r and w, each at most once'),
        ("rr", "each at most once"),
        ("RW", "as in mrw or rw"),
        ("r w", "each at most once"),
    ],
)
def test_any_other_permissions_are_refused(text: str, words: str) -> None:
    with pytest.raises(ScalarError, match=re.escape(words)):
        parse_permissions(text)


def test_a_choice_is_one_of_the_values_as_they_are_spelt() -> None:
    assert parse_choice("warn", LogLevel) is LogLevel.WARN
    with pytest.raises(
        ScalarError, match='"INFO" is not one of the choices; use all, debug, info, warn, error or none'
    ):
        parse_choice("INFO", LogLevel)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/dev/x", "/dev/x"),
        ("//dev/./x", "/dev/x"),
        ("/dev/", "/dev/"),
        ("/dev/.", "/dev/"),
        ("/", "/"),
        ("/a*", "/a*"),
    ],
)
def test_a_path_is_given_in_its_shortest_spelling(text: str, path: str) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", '"" is not an absolute path; begin with /'),
        ("dev/x", "not an absolute path"),
        ("/dev/../x", "leads back up"),
        ("/dev/\0", "without NUL"),
        ("/dev/\udc80", "use UTF-8"),
    ],
)
def test_any_other_path_is_refused(text: str, words: str) -> None:
    with pytest.raises(ScalarError, match=re.escape(words)):
        parse_path(text)


def test_the_path_of_a_socket_must_fit_the_kernels_limit() -> None:
    assert parse_socket_path("/" + "x" * 106) == "/" + "x" * 106
    with pytest.raises(ScalarError, match="has 108 bytes; a socket's path has at most 107: choose a shorter one"):
        parse_socket_path("/" + "x" * 107)


def test_the_directory_of_sockets_must_leave_room_for_what_is_in_it() -> None:
    assert parse_socket_directory("/plugins") == "/plugins/"
    assert parse_socket_directory("/plugins//") == "/plugins/"
    longest = "/" + "x" * 72
    assert len(longest + "/" + socket_name(longest, "squat.ai/serial")) == 107
    assert parse_socket_directory(longest) == longest + "/"
    with pytest.raises(ScalarError, match="has 75 bytes; with the sockets in it, of 107 at most, it can have 74"):
        parse_socket_directory(longest + "x")


PARSERS: list[Callable[[str], object]] = [
    parse_duration,
    parse_listen,
    parse_domain,
    parse_resource_name,
    parse_permissions,
    parse_path,
    parse_socket_path,
    parse_socket_directory,
]


@given(st.one_of(st.text(), st.text("0123456789.hmsµ+-:[]/"), st.text(st.characters(categories=["Cs", "Cc"]))))
def test_whatever_the_text_nothing_but_a_scalar_error_comes_out_of_a_parser(text: str) -> None:
    errors = [error for parse in PARSERS if (error := error_of(parse, text)) is not None]
    assert all(str(error).isprintable() for error in errors)


def error_of(parse: Callable[[str], object], text: str) -> ScalarError | None:
    try:
        parse(text)
    except ScalarError as error:
        return error
    return None
