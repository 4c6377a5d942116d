"""The invariant of following a host, beside a real udevd and with real hotplug.

Whatever happened: once udevd has nothing left to do and the host thread only waits, what it handed on equals a look at
everything. What happens is drawn by chance, the same for the same seed; how far udevd is with it then is not.
"""

import fcntl
import glob
import itertools
import os
import random
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.following import FollowingThread, differences, looked_at_anew
from tests.lab.hotplug import FIRST_TAP, LoopDevices, MacvtapSticks, announce
from tests.lab.udevd import PATIENCE, Udevd
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.memory import Memory
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.rule import Rule
from udev_device_plugin.selectors.udev_rule.selector import UdevSelector

GLOBS = ("/dev/serial/by-id/*", "/dev/tap42*[02468]", "/dev/loop142*")
MATCHING = ('SUBSYSTEM=="macvtap", ENV{ID_VENDOR_ID}=="0403"', 'SUBSYSTEM=="tty", ENV{ID_BUS}=="usb"')
INTEREST = Interest(
    frozenset(
        {*(PathSelector(Glob.parse(text)) for text in GLOBS), *(UdevSelector(Rule.parse(text)) for text in MATCHING)}
    )
)

STICKS = (0, 1, 50, 51, 52, 60, 61, 62)  # two with a number of their own, three twins, three times the same one
STEPS = 30
RULES = "/run/udev/rules.d/99-lab-of-this-test.rules"
GATE, ARRIVALS = "/run/lab-gate", "/run/lab-arrivals"
SLOW = f"/bin/sh -c 'echo >{ARRIVALS}; flock --shared {GATE} true'"
TAPS = 'SUBSYSTEM=="macvtap", ACTION!="remove"'
SOME_RULES = (
    "",
    f'{TAPS}, SYMLINK+="serial/by-id/usb-of-all-if00-port0"',
    f'{TAPS}, KERNEL=="*1", OPTIONS+="link_priority=10"',
    f'{TAPS}, SYMLINK="serial/by-id/usb-other-%n"',
    f'{TAPS}, ENV{{ID_VENDOR_ID}}="1a86", RUN+="/bin/chmod 0606 $devnode"',
)


class Story:
    """What happens, one step after the other."""

    def __init__(self, chance: random.Random, udevd: Udevd, sticks: MacvtapSticks, loops: LoopDevices) -> None:
        self._chance, self._udevd, self._sticks, self._loops = chance, udevd, sticks, loops
        self._plugged: set[int] = set()
        self._added: set[int] = set()
        self._moved: set[int] = set()
        self._is_holding = False
        self._lacks_entries = self._missed_some = False
        self.told: list[str] = []

    @property
    def is_fresh(self) -> bool:
        """Whether udevd knows all that happened: who begins to follow now, learns the same."""
        return not (self._lacks_entries or self._missed_some)

    def go_on(self, *, with_deaths: bool) -> None:
        """Some step."""
        steps = [self._plug] * 5 + [self._unplug] * 4 + [self._move, self._loop, self._loop, self._announce]
        steps += [self._trigger] * 2 + [self._change_rules] * 2 + [self._hold, self._clean_up, self._restart]
        self._chance.choice([*steps, *[self._kill] * with_deaths])()

    def settle(self) -> None:
        """Udevd comes to an end with all that there is to do."""
        self.told.append("settle")
        if self._is_holding and self._udevd.is_running():
            self._udevd.udevadm("control", "--start-exec-queue")
        self._is_holding = False
        self._udevd.start()
        for number in sorted(self._moved & self._plugged):  # nothing tells that what hangs on it has moved with it
            announce("change", f"/sys/class/macvtap/tap{FIRST_TAP + number}")
        self._moved.clear()
        self._udevd.settle()

    @contextmanager
    def slow_plug(self) -> Iterator[None]:
        """A stick is plugged, and one of its rules runs a program that does not end before the end of this."""
        if not (free := sorted({*STICKS} - self._plugged)):
            self._unplug()
            free = sorted({*STICKS} - self._plugged)
        number = self._chance.choice(free)
        key = self._chance.choice(("PROGRAM=", "RUN+="))
        arrivals, gate = os.open(ARRIVALS, os.O_RDWR), os.open(GATE, os.O_RDWR)
        fcntl.flock(gate, fcntl.LOCK_EX)
        self._write_rules(f'{TAPS}, KERNEL=="tap{FIRST_TAP + number}", {key}"{SLOW}"')
        self._plug(number)
        assert select.select([arrivals], [], [], PATIENCE)[0], "the rule was not heard of"
        self._write_rules("")
        yield
        os.close(gate)
        self.settle()
        os.close(arrivals)

    def _plug(self, number: int | None = None) -> None:
        free = sorted({*STICKS} - self._plugged) if number is None else [number]
        if free:
            number = self._chance.choice(free)
            self.told.append(f"plug {number}")
            self._sticks.plug(number)
            self._plugged.add(number)

    def _unplug(self) -> None:
        if self._plugged:
            number = self._chance.choice(sorted(self._plugged))
            self.told.append(f"unplug {number}")
            self._sticks.unplug(number)
            self._plugged.discard(number)
            self._missed_some |= not self._udevd.is_running()

    def _move(self) -> None:
        if still := sorted(self._plugged - self._moved):
            number = self._chance.choice(still)
            self.told.append(f"move {number}")
            self._sticks.move(number)
            self._moved.add(number)

    def _loop(self) -> None:
        number = self._chance.randrange(3)
        self.told.append(f"loop {number}")
        if number in self._added:
            self._loops.remove(number)
            self._missed_some |= not self._udevd.is_running()
        else:
            self._loops.add(number)
        self._added ^= {number}

    def _announce(self) -> None:
        action = self._chance.choice(("add", "change", "remove"))
        self.told.append(f"announce {action}")
        announce(action)
        self._lacks_entries |= action == "remove"

    def _trigger(self) -> None:
        arguments = [f"--action={self._chance.choice(('add', 'change'))}"]
        arguments += [f"--subsystem-match={self._chance.choice(('macvtap', 'block', 'net'))}"] * self._chance.randrange(
            2
        )
        self.told.append(f"trigger {arguments}")
        self._udevd.trigger(*arguments)
        if len(arguments) == 1 and self._udevd.is_running():
            self._lacks_entries = False

    def _change_rules(self) -> None:
        self._write_rules(self._chance.choice(SOME_RULES))

    def _write_rules(self, rules: str) -> None:
        self.told.append(f"rules {rules}")
        write_rules(rules)
        if self._udevd.is_running():
            self._udevd.udevadm("control", "--reload")

    def _hold(self) -> None:
        if self._udevd.is_running():
            self.told.append("hold")
            self._udevd.udevadm("control", "--stop-exec-queue")
            self._is_holding = True

    def _clean_up(self) -> None:
        self.told.append("clean up")
        self._udevd.udevadm("info", "--cleanup-db")
        self._lacks_entries = True

    def _restart(self) -> None:
        self.settle()  # else it forgets what it has not begun with
        self.told.append("restart")
        self._udevd.restart()

    def _kill(self) -> None:
        self.told.append("kill")
        self._udevd.kill()
        self._lacks_entries = self._missed_some = True


def write_rules(rules: str) -> None:
    with open(f"{RULES}.new", "w") as file:
        file.write(f"{rules}\n")
    os.rename(f"{RULES}.new", RULES)


@pytest.fixture
def story(udevd: Udevd, sticks: MacvtapSticks, loops: LoopDevices) -> Iterator[Callable[[random.Random], Story]]:
    """A story that has not begun; udevd has an entry of everything then, and in the end there is nothing left of it."""
    os.mkfifo(ARRIVALS)
    write_rules("")
    os.close(os.open(GATE, os.O_CREAT))
    udevd.trigger()
    udevd.settle()
    yield lambda chance: Story(chance, udevd, sticks, loops)
    for path in (RULES, GATE, ARRIVALS):
        os.unlink(path)
    udevd.start()
    udevd.udevadm("control", "--start-exec-queue", "--reload")
    sticks.clear()
    loops.clear()
    announce("remove")
    udevd.settle()
    udevd.udevadm("info", "--cleanup-db")
    for link in glob.glob("/dev/serial/by-*/*"):
        os.unlink(link)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(4))
def test_at_every_rest_what_was_handed_on_equals_a_look_at_everything(
    story: Callable[[random.Random], Story], seed: int
) -> None:
    chance = random.Random(f"the same for ever, {seed}")
    told = story(chance)

    def check(*, is_fresh: bool) -> None:
        now, memory = host.rest()
        memories = [memory, *[Memory()] * is_fresh]
        found = [differences(now, looked_at_anew(INTEREST, time.monotonic(), one)) for one in memories]
        if any(found):
            pytest.fail("\n".join([*itertools.chain(*found), *told.told]))

    with FollowingThread(INTEREST) as host:
        for number in range(STEPS):
            told.go_on(with_deaths=seed % 2 == 1)
            if chance.randrange(4) == 0:
                told.settle()
                check(is_fresh=told.is_fresh)
            if number % 15 == 7:
                told.settle()
                with told.slow_plug():
                    check(is_fresh=False)
        told.settle()
        check(is_fresh=told.is_fresh)
