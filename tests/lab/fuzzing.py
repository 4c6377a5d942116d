"""Fuzzing: seeds, bent out of shape, go in; whatever they are, only what is documented may come out.

Plain chance, from a seed that brings the same again. It runs wherever Python does (atheris would follow coverage, but
has wheels for some versions only), and is many times faster than Hypothesis, which tries the same rooms in their own
unit tests. `hack/fuzz` runs the targets for as long as you like, `hack/test unit` a moment each.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.lab.subjects import MadeUpRelative, MadeUpSubject
from udev_device_plugin.config.faults import Faults, Place
from udev_device_plugin.config.loader import settle
from udev_device_plugin.config.options import DEVICE, Given
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.errors import ConfigError
from udev_device_plugin.selectors.udev_rule.parser import MAX_RULE, RuleError
from udev_device_plugin.selectors.udev_rule.rule import Rule

SEEDS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "seeds")

_RULE_WORDS = (
    *(b'"', b'\\"', b"\\", b"==", b"!=", b"=", b"|", b"*", b"?", b"[", b"]", b"[!", b"[[:alpha:]]", b"-", b'e"', b'i"'),
    *(b"{", b"}", b",", b"\n", b" ", b"\t", b"\0", b"%k", b"$attr{a}", b"\\x41", b"\\u00e9", b"\\101", b"\xc3\xa9"),
    *(b"KERNEL", b"ATTRS{a}", b"ENV{a}", b"TAG", b"SUBSYSTEM", b"ACTION", b"..", b"/", b"**********a", b"#", b"'"),
)
_CONFIG_WORDS = (
    *(
        b"devices:",
        b"device:",
        b"- ",
        b": ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\n",
        b"  ",
        b"\t",
        b'"',
        b"'",
        b"#",
        b"&a ",
        b"*a",
    ),
    *(
        b"<<: *a",
        b"!!int ",
        b"!x ",
        b"|\n",
        b">\n",
        b"---\n",
        b"...",
        b"? ",
        b"%",
        b"@",
        b"`",
        b"null",
        b"~",
        b"0x1",
        b"1e9",
    ),
    *(
        b"-1",
        b"99999999999999999999",
        b"1:30",
        b"2001-01-01",
        b"true",
        b".nan",
        b"\\ud800",
        b"\\U00110000",
        b"\xff",
        b"\0",
    ),
    *(
        b"groups",
        b"paths",
        b"usb",
        b"hid",
        b"usagePage",
        b"exclude",
        b"aliases",
        b"udev",
        b"match",
        b"count",
        b"limit",
        b"permissions",
        b"type",
        b"name",
        b"\xe2\x80\xa8",
    ),
)
_CHARACTERS = 'ab*?[]-|\\"/ \n\té\udcff'
_TEXTS = ("", "tty", "usb", "video4linux", "ttyUSB0", "10c4", "ea60", "1-4:1.0", "0")
_NAMES = ("a", "idVendor", "idProduct", "index", "product", "T", "ID_V4L_CAPABILITIES")


@dataclass(frozen=True, slots=True)
class Target:
    """What is fuzzed.

    Attributes:
        seeds: what is bent.
        words: pieces that mean something there.
        check: puts it in, and asserts what must be true of what comes out; True if it was accepted.
    """

    seeds: Sequence[bytes]
    words: Sequence[bytes]
    check: Callable[[bytes, MadeUpSubject], bool]


def run(target: Target, seed: int) -> bool:
    """One input, the same for the same seed; True if it was accepted."""
    return target.check(*inputs(target, seed))


def inputs(target: Target, seed: int) -> tuple[bytes, MadeUpSubject]:
    """What goes in for a seed."""
    chance = Random(seed)
    return bend(target, chance), make_up(chance)


def bend(target: Target, chance: Random) -> bytes:
    """A seed with a few pieces cut out, put in or doubled."""
    data = chance.choice(target.seeds)
    for _ in range(chance.choice((0, 1, 1, 2, 3, 5, 8))):
        start = chance.randint(0, len(data))
        end = start + max(0, chance.randint(-10, 10)) * chance.choice((1, 1, 1, 8))
        data = data[:start] + _piece(target, chance) * chance.choice((0, 1, 1, 1, 1, 2, 50)) + data[end:]
    return data


def make_up(chance: Random) -> MadeUpSubject:
    """A device."""
    ancestors = [MadeUpRelative(**_common(chance)) for _ in range(chance.randint(0, 3))]
    links = [f"/dev/{_text(chance)}" for _ in range(chance.randint(0, 2))]
    return MadeUpSubject(
        **_common(chance), devpath=_text(chance), properties=_pairs(chance), links=links, ancestors=ancestors
    )


def shrunk(target: Target, data: bytes, subject: MadeUpSubject) -> bytes:
    """A smaller input that goes wrong in the same way."""
    wanted = _failure(target, data, subject)
    size = len(data)
    while size:
        for start in range(len(data), -1, -size):
            smaller = data[:start] + data[start + size :]
            if smaller != data and _failure(target, smaller, subject) is wanted:
                data = smaller
        size //= 2
    return data


def check_rule(data: bytes, subject: MadeUpSubject) -> bool:
    """Whatever the text, it is a rule that can be written anew and tried on a device, or a `RuleError`."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        rule = Rule.parse(text)
    except RuleError as error:
        _check_refusal(text, error)
        return False
    _check_again(rule)
    matches = rule.matches(subject)
    mismatch = rule.mismatch(subject)
    assert matches == (mismatch is None)
    if mismatch is not None:
        _assert_one_line(str(mismatch))
        assert 0 <= mismatch.specific <= mismatch.fitted < mismatch.terms
    if rule.subsystems is not None:
        assert not matches or subject.subsystem in rule.subsystems
    return True


def check_config(data: bytes, _: MadeUpSubject) -> bool:
    """Whatever the file, and whatever stands at --device, it is settings, or a `ConfigError` of one line a fault."""
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(data)
        file.flush()
        accepted = _settles((), [file.name])
    given = Given(DEVICE.name, Place(DEVICE.flag), data.decode("utf-8", "replace"))
    return _settles((given,), ()) or accepted


def _check_refusal(text: str, error: RuleError) -> None:
    assert 0 <= error.position <= len(text)
    _assert_one_line(str(error))


def _check_faults(error: ConfigError) -> None:
    assert error.faults
    for fault in error.faults:
        _assert_one_line(str(fault))


def _check_again(rule: Rule) -> None:
    if len(str(rule)) <= MAX_RULE:  # escapes are longer than what they stand for
        again = Rule.parse(str(rule))
        assert again == rule
        assert hash(again) == hash(rule)
        assert str(again) == str(rule)


def _settles(given: Sequence[Given], files: Sequence[str]) -> bool:
    try:
        settings = settle(given, Faults(), files)
    except ConfigError as error:
        _check_faults(error)
        return False
    assert isinstance(settings, Settings)
    for warning in settings.warnings:
        _assert_one_line(str(warning))
    return True


def _assert_one_line(text: str) -> None:
    assert text
    assert text.isprintable(), f"not one line, or not fit for a terminal: {text!r}"


def _seeds(folder: str) -> list[bytes]:
    folder = os.path.join(SEEDS, folder)
    return [_read(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _failure(target: Target, data: bytes, subject: MadeUpSubject) -> type[Exception] | None:
    try:
        target.check(data, subject)
    except Exception as error:
        return type(error)
    return None


def _piece(target: Target, chance: Random) -> bytes:
    kind = chance.random()
    if kind < 0.7:
        return chance.choice(target.words)
    if kind < 0.9:
        return chance.randbytes(chance.randint(1, 3))
    other = chance.choice(target.seeds)
    start = chance.randint(0, len(other))
    return other[start : start + chance.randint(1, 60)]


def _text(chance: Random) -> str:
    if chance.random() < 0.6:
        return chance.choice(_TEXTS)
    return "".join(chance.choices(_CHARACTERS, k=chance.randint(0, 12)))


def _pairs(chance: Random) -> dict[str, str]:
    return {name: _text(chance) for name in chance.sample(_NAMES, chance.randint(0, 4))}


def _common(chance: Random) -> dict[str, Any]:
    return {
        "name": _text(chance),
        "subsystem": _text(chance),
        "driver": chance.choice((None, _text(chance))),
        "attributes": _pairs(chance),
        "tags": [_text(chance) for _ in range(chance.randint(0, 2))],
    }


TARGETS = {
    "config": Target(_seeds("config"), _CONFIG_WORDS, check_config),
    "rules": Target(_seeds("rules"), _RULE_WORDS, check_rule),
}
