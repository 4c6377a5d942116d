"""The host of a chaos run: plays what happens to sticks and udevd, and keeps account of what is true."""

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tests.lab.chaos.park import ARTICLES, NUMBERS, PORTS, ROOT_HUBS, SOCKET, WITH_SIBLINGS, Article, Plugged
from tests.lab.chaos.steps import Step
from tests.lab.chaos.truth import Truth
from tests.lab.chaos.workers import at_once
from tests.lab.host import FakeHost
from tests.lab.records import FakeDevice, Stick
from tests.lab.sticks import serial_adapter
from tests.lab.udevd_steps import DATABASE, Version, finish

LEAST_WORK = 6
"""So many steps a udevd takes for a device, at least."""

_COARSE = 5  # CLOCK_REALTIME_COARSE, which files' times are taken from, and for which Python has no name


class Stage(Truth):
    """The sticks of `park`, plugged and unplugged on a made-up host."""

    def __init__(self, host: FakeHost) -> None:
        super().__init__()
        self._host = host
        self._makings = 0
        self._left_behind: list[Stick] = []
        self._plays: dict[str, Callable[[Step], None]] = {
            "plug": self._plug,
            "plug silently": lambda step: self._plug(step, silent=True),
            "appear": self._appear_only,
            "plug in part": self._plug_in_part,
            "go on": self._go_on,
            "finish": self._finish_one,
            "finish silently": lambda step: self._finish_one(step, silent=True),
            "pull": self._pull,
            "pull silently": lambda step: self._pull(step, silent=True),
            "vanish": self._vanish_one,
            "forget": self._forget_one,
            "vanish unseen": self._vanish_unseen,
            "replug": self._replug,
            "replug in place": lambda step: self._replug(step, in_place=True),
            "show another id": self._show_another_id,
            "change": self._change,
            "change silently": lambda step: self._change(step, silent=True),
            "add again": lambda step: self._send("add", step),
            "false remove": lambda step: self._send("remove", step),
            "false add": self._lie,
            "hide udevd": lambda _: self._hide(),
            "show udevd": lambda _: self.show(),
        }
        for hub in ROOT_HUBS:
            host.plug(hub, silent=True)

    def play(self, step: Step) -> bool:
        """Have a step happen; False if it is not about sticks or udevd."""
        if (play := self._plays.get(step.what)) is None:
            return False
        play(step)
        return True

    def clear(self) -> None:
        """Unplug everything, and have udevd there."""
        self.show()
        for one in list(self.plugged):
            self._take_away(one)
        for stick in self._left_behind:
            for device in stick:
                self._host.forget(device, silent=True)
        self._left_behind.clear()

    def overflow(self) -> None:
        """Make every listener lose events."""
        self._host.overflow()

    def renew(self) -> None:
        """Have a new udevd: whatever was missed is looked at again."""
        self._hide()
        self.show()

    def show(self) -> None:
        """Have udevd there."""
        if self.is_hidden:
            self._host.show_udevd()
            self.is_hidden = False

    def _hide(self) -> None:
        if not self.is_hidden:
            self._host.hide_udevd()
            self.is_hidden = True
            for one in self.plugged:
                one.is_nameless |= not one.is_finished

    def _new(self, step: Step, among: Sequence[Article] = ARTICLES) -> Plugged | None:
        """An article that is not plugged, at a free port, under a free number; None if there is none."""
        present = self.present()
        articles = [one for one in among if one not in {other.article for other in present}]
        ports = self._free_ports()
        if not articles or not ports:
            return None
        article, port = articles[step.which % len(articles)], ports[step.where % len(ports)]
        used = {one.number for one in present if one.article.kind == article.kind}
        numbers = [number for number in range(NUMBERS) if number not in used]
        number = numbers[step.number % len(numbers)]
        self._makings += 1
        return Plugged(article, port, number, article.make(port, number, _chance(step)), self._makings)

    def _free_ports(self) -> list[str]:
        used = {one.port for one in self.present()}
        return [port for port in PORTS if port not in used]

    def _appear(self, one: Plugged) -> None:
        # udevd handles events of one place in sysfs, or of one number, one after the other.
        mine = {*_places(one.stick)}
        for other in [other for other in self.plugged if other.has_vanished]:
            if mine & {*_places(other.stick)}:
                self._forget(other)
        for device in one.stick:
            self._host.appear(device)
        one.began, one.is_nameless = time.monotonic(), self.is_hidden
        for other in self.present():
            if one.article.twins and one.article.twins == other.article.twins:
                one.has_met_twin = other.has_met_twin = True
        self.plugged.append(one)

    def _finish(self, one: Plugged, step: Step, *, silent: bool = False, steps: int | None = None) -> None:
        """Have udevd do its part, or some more steps of it."""
        self.note_age()
        if one.work is None:
            chance = _chance(step)
            version: Version = chance.choice((252, 257))
            jobs = ((device, self._host.finishing(device, silent=silent, version=version)) for device in one.stick)
            one.work = at_once(jobs, chance)
        done = sum(1 for _ in itertools.islice(one.work, steps))
        one.is_finished = steps is None or done < steps

    def _vanish(self, one: Plugged) -> None:
        _outlive_the_clock(one.stick)
        for device in reversed(one.stick.devices):
            self._host.vanish(device)
        one.has_vanished = True

    def _forget(self, one: Plugged, *, silent: bool = False) -> None:
        jobs = ((device, self._host.forgetting(device, silent=silent)) for device in reversed(one.stick.devices))
        finish(at_once(jobs, random.Random(one.making)))
        self.plugged.remove(one)

    def _take_away(self, one: Plugged, *, silent: bool = False) -> None:
        if not one.has_vanished:
            self._vanish(one)
        self._forget(one, silent=silent)

    def _some(self, step: Step, *, finished: bool | None = None, vanished: bool = False) -> Iterator[Plugged]:
        """The one that a step is about, if there is one in this state."""
        fitting = [one for one in self.plugged if finished in {None, one.is_finished} and one.has_vanished == vanished]
        if fitting:
            yield fitting[step.which % len(fitting)]

    def _plug(self, step: Step, *, silent: bool = False) -> None:
        if one := self._new(step):
            self._appear(one)
            self._finish(one, step, silent=silent)

    def _appear_only(self, step: Step) -> None:
        if one := self._new(step):
            self._appear(one)

    def _plug_in_part(self, step: Step) -> None:
        if one := self._new(step, among=WITH_SIBLINGS):
            self._appear(one)
            self._work_on(one, step)

    def _go_on(self, step: Step) -> None:
        for one in self._some(step, finished=False):
            self._work_on(one, step)

    def _work_on(self, one: Plugged, step: Step) -> None:
        """udevd does a part of what there is to do, or all of it."""
        self._finish(one, step, steps=_chance(step).randint(1, LEAST_WORK * len(one.stick.devices)))

    def _finish_one(self, step: Step, *, silent: bool = False) -> None:
        for one in self._some(step, finished=False):
            self._finish(one, step, silent=silent)

    def _pull(self, step: Step, *, silent: bool = False) -> None:
        for one in self._some(step):
            self._take_away(one, silent=silent)

    def _vanish_one(self, step: Step) -> None:
        for one in self._some(step):
            self._vanish(one)

    def _vanish_unseen(self, step: Step) -> None:
        """udevd is dead while a stick goes: its entries and links stay until others have its numbers."""
        for one in self._some(step, finished=True):
            self._vanish(one)
            self.plugged.remove(one)
            self._left_behind.append(one.stick)

    def _forget_one(self, step: Step) -> None:
        for one in self._some(step, vanished=True):
            self._forget(one)

    def _replug(self, step: Step, *, in_place: bool = False) -> None:
        for one in self._some(step):
            self._take_away(one)
            index = [other for other in ARTICLES if other not in {it.article for it in self.present()}].index(
                one.article
            )
            where = self._free_ports().index(one.port) if in_place else step.where
            if again := self._new(replace(step, which=index, where=where)):
                self._appear(again)
                self._finish(again, step)

    def _show_another_id(self, step: Step) -> None:
        """What is in a socket goes, and is there as another one before udevd has done its part; or it comes anew."""
        accelerators = [one for one in self.present() if one.article.kind == "accelerator"]
        if not accelerators and (new := self._new(step, among=[one for one in ARTICLES if one.kind == "accelerator"])):
            accelerators = [new]
            self._appear(new)
        for one in accelerators:
            self._vanish(one)
            other = SOCKET.get(one.port, one.port)
            port = other if step.where % 2 and other in (*self._free_ports(), one.port) else one.port
            number, article = (one.number + 1) % NUMBERS, one.article
            self._makings += 1
            again = Plugged(article, port, number, article.make(port, number, _chance(step)), self._makings)
            self._appear(again)
            if step.number % 2 and one in self.plugged:
                self._forget(one)
            if step.number % 3:
                self._finish(again, step)

    def _change(self, step: Step, *, silent: bool = False) -> None:
        """The main node gets one link more, or loses its by-id links, or has its own ones again."""
        for one in self._some(step, finished=True):
            main = one.stick.main
            original = one.made.main
            links = (
                (*original.links, f"serial/by-id/another-{one.article.name}"),
                tuple(link for link in original.links if "/by-id/" not in link),
                original.links,
            )[step.where % 3]
            if one.article.kind != "tty":
                links = original.links
            changed = replace(main, links=links)
            self._host.change(changed, silent=silent)
            one.stick = Stick(tuple(changed if device is main else device for device in one.stick))
            one.is_nameless |= not any("/by-id/" in link for link in links)

    def _send(self, action: str, step: Step) -> None:
        for one in self._some(step, finished=True):
            self._host.send(action, one.stick.main)

    def _lie(self, step: Step) -> None:
        """An event about a stick that is not there."""
        if step.number % 4 not in {one.number for one in self.present() if one.article.kind == "tty"}:
            port = PORTS[step.where % len(PORTS)]
            self._host.send("add", serial_adapter(f"ttyUSB{step.number % 4}", "GHOST", port).main)


def _chance(step: Step) -> random.Random:
    """The same for the same step: so a part of a sequence has the same things happen."""
    return random.Random(str(step))


def _places(stick: Stick) -> Iterator[str]:
    for device in stick:
        yield device.devpath
        if device.node:
            yield device.node.number


def _outlive_the_clock(stick: Stick) -> None:
    """Wait for the file clock's next tick, 4 or 10 ms: no stick is plugged, ready, unplugged and replaced within one.

    The plugin tells an entry of udev's database that speaks of the last device with a number by its time.
    """
    latest = max((_written(device) for device in stick), default=0)
    while time.clock_gettime_ns(_COARSE) <= latest:
        pass


def _written(device: FakeDevice) -> int:
    try:
        return os.stat(f"{DATABASE}/{device.database_name}").st_mtime_ns
    except OSError:
        return 0
