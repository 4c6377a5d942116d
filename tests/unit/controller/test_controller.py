"""When changes are published: the first at once, those in its wake together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from tests.unit.inventories import gone, node, nothing, unknown_to_udev
from udev_device_plugin.config.specs import GroupSpec, PathSpec, ResourceSpec
from udev_device_plugin.controller import controller as controller_module
from udev_device_plugin.controller.controller import Controller
from udev_device_plugin.controller.dependencies import Dependencies, HeldIds
from udev_device_plugin.devices.assembled import AssembledResource
from udev_device_plugin.devices.device import DeviceSet
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.devices.retention import FRESH
from udev_device_plugin.errors import StartError
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.looks import HostLook
from udev_device_plugin.host.model import DeviceNumber, PathEntry
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector

SERIAL = "squat.ai/serial"
OTHER = "squat.ai/other"


def spec(name: str, glob: str) -> ResourceSpec:
    return ResourceSpec(f"squat.ai/{name}", (GroupSpec((PathSpec(PathSelector(Glob.parse(glob))),)),))


def entry(path: str) -> PathEntry:
    return node(path, int(path[-1])).entry


class Host:
    """Answers what the controller asks, and remembers it."""

    def __init__(self) -> None:
        self.linked: list[DeviceSet] = []
        self.handed_out: frozenset[str] = frozenset()
        self.holdings: HeldIds | None = {}
        self.questions = 0


def dependencies(host: Host) -> Dependencies:
    async def held() -> HeldIds | None:
        host.questions += 1
        return host.holdings

    return Dependencies(
        link=host.linked.append,
        held=held,
        handed_out=lambda *_: host.handed_out,
        links_directory="/links/",
    )


def controller(host: Host | None = None, grace_period: float = 300.0) -> Controller:
    specs = [spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*")]
    return Controller(specs, dependencies(host or Host()), grace_period)


def looked(host: Host | None = None, grace_period: float = 300.0) -> Controller:
    made = controller(host, grace_period)
    made.observe(nothing())
    return made


def plug(made: Controller, *paths: str) -> None:
    for path in paths:
        made.observe(plugged(path))


def plugged(path: str, received: float = 1.0) -> HostLook:
    return replace(unknown_to_udev(entry(path)), received=received)


def pulled(path: str) -> HostLook:
    return gone(path, DeviceNumber("c", 188, int(path[-1])))


async def test_nothing_is_published_before_everything_was_looked_at() -> None:
    made = controller()
    made.observe(plugged("/dev/ttyUSB0"))
    assert made.store.snapshot(SERIAL).generation == 0
    assert not made.has_looked.is_set()
    made.observe(HostLook(complete_for=0))
    assert made.has_looked.is_set()
    assert made.store.snapshot(SERIAL).devices.count == 1


async def test_the_first_change_is_published_at_once_and_those_in_its_wake_together() -> None:
    made = looked()
    generation = (await made.store.newer_than(SERIAL, 0)).generation
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    assert made.store.snapshot(SERIAL).devices.count == 1
    for number in range(1, 10):
        plug(made, f"/dev/ttyUSB{number}")
    assert made.store.snapshot(SERIAL).devices.count == 1
    snapshot = await made.store.newer_than(SERIAL, generation + 1)
    assert (snapshot.generation, snapshot.devices.count) == (generation + 2, 10)


async def test_a_flap_within_the_window_does_not_reach_the_store() -> None:
    made = looked()
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    generation = made.store.snapshot(SERIAL).generation
    made.observe(pulled("/dev/ttyUSB0"))
    plug(made, "/dev/ttyUSB0")
    await _window_over(made)
    assert made.store.snapshot(SERIAL).generation == generation


async def test_one_resource_does_not_hold_up_another() -> None:
    made = looked()
    await _window_over(made)
    plug(made, "/dev/ttyUSB0")
    plug(made, "/dev/other1")
    assert made.store.snapshot(OTHER).devices.count == 1


async def test_a_snapshot_knows_when_the_oldest_event_behind_it_was_received() -> None:
    made = looked()
    await _window_over(made)
    made.observe(plugged("/dev/ttyUSB0", 1.0))
    made.observe(plugged("/dev/ttyUSB1", 2.0))
    made.observe(plugged("/dev/ttyUSB2", 3.0))
    assert made.store.snapshot(SERIAL).caused_at == 1.0
    assert (await made.store.newer_than(SERIAL, made.store.snapshot(SERIAL).generation)).caused_at == 2.0


async def test_an_absent_device_is_forgotten_when_its_time_is_up_and_no_pod_holds_it() -> None:
    host = Host()
    async with running(looked(host, grace_period=0.01)) as made:
        plug(made, "/dev/ttyUSB0")
        (id_,) = (await _until(made, lambda devices: devices.count == 1)).by_id
        host.holdings = {"squat.ai/serial": {id_: None}}
        made.observe(pulled("/dev/ttyUSB0"))
        await _until(made, lambda devices: devices.healthy_count == 0)
        while not host.questions:
            await asyncio.sleep(0)
        assert made.store.snapshot(SERIAL).devices.count == 1
        host.holdings = {}
        made.ask_for_holders()
        assert made._states[SERIAL].assembled.devices


async def test_a_device_that_expires_has_its_own_resource_alone_assembled_anew() -> None:
    host, kept = Host(), list[str]()
    with_record = replace(dependencies(host), keep=lambda spec, _: kept.append(spec.resource))
    made = Controller([spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*")], with_record, 0.0)
    made.observe(nothing())
    async with running(made):
        plug(made, "/dev/ttyUSB0", "/dev/other1")
        await _until(made, lambda devices: devices.count == 1)
        made.ask_for_holders()  # as for a new kubelet: the first answer counts for all
        while any(state.answered is None for state in made._states.values()):
            await asyncio.sleep(0)
        await _recorded(made)
        kept.clear()
        made.observe(pulled("/dev/ttyUSB0"))
        await _until(made, lambda devices: devices.count == 0)
        await _recorded(made)
        assert set(kept) == {SERIAL}


async def test_what_is_forgotten_within_a_window_is_told_with_it_and_asked_for_once() -> None:
    host = Host()
    async with running(looked(host, grace_period=0.0)) as made:
        plug(made, "/dev/ttyUSB0")
        await _until(made, lambda devices: devices.count == 1)
        await _window_over(made)
        generation, questions = made.store.snapshot(SERIAL).generation, host.questions
        made.observe(pulled("/dev/ttyUSB0"))
        await _until(made, lambda devices: devices.count == 0)
        assert made.store.snapshot(SERIAL).generation == generation + 2
        assert host.questions == questions + 1


async def test_nothing_is_forgotten_while_nobody_knows_what_pods_hold_and_nobody_is_asked_in_vain_for_ever() -> None:
    host = Host()
    host.holdings = None
    async with running(looked(host, grace_period=0.01)) as made:
        plug(made, "/dev/ttyUSB0")
        await _until(made, lambda devices: devices.count == 1)
        made.observe(pulled("/dev/ttyUSB0"))
        await _until(made, lambda devices: devices.healthy_count == 0)
        while not host.questions:
            await asyncio.sleep(0)
        plug(made, "/dev/ttyUSB1")  # forms the resource anew
        await _until(made, lambda devices: devices.healthy_count == 1)
        await _window_over(made)
        assert (made.store.snapshot(SERIAL).devices.count, host.questions) == (2, 1)
        host.holdings = {}
        made.ask_for_holders()
        assert (await _until(made, lambda devices: devices.count == 1)).healthy_count == 1


async def test_another_grace_period_counts_for_what_is_absent_already() -> None:
    host = Host()
    specs = [spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*")]
    async with running(looked(host, grace_period=300.0)) as made:
        plug(made, "/dev/ttyUSB0")
        await _until(made, lambda devices: devices.count == 1)
        made.observe(pulled("/dev/ttyUSB0"))
        await _until(made, lambda devices: devices.healthy_count == 0)
        made.configure(specs, 600.0)
        (absent,) = made._states[SERIAL].assembled.devices
        assert absent.keep_until == absent.since + 600.0
        made.configure(specs, 0.0)
        await _until(made, lambda devices: devices.count == 0)


async def test_a_resource_that_a_reload_adds_while_pods_are_asked_for_waits_for_its_own_answer() -> None:
    host, asked, answer = Host(), asyncio.Event(), asyncio.Event()
    id_ = device_id("squat.ai/new", ("/dev/new7",), 0)

    async def held() -> HeldIds:
        host.questions += 1
        if host.questions > 1:
            return {one: {id_: None} if one == "squat.ai/new" else {} for one in (SERIAL, OTHER, "squat.ai/new")}
        asked.set()
        await answer.wait()
        return {SERIAL: {}, OTHER: {}}

    specs = [spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*"), spec("new", "/dev/new*")]
    made = Controller(specs[:2], replace(dependencies(host), held=held), 300.0)
    made.observe(nothing())
    async with running(made):
        made.ask_for_holders()
        await asked.wait()
        made.configure(specs, 300.0)
        made.observe(HostLook(complete_for=made.interest.number))
        answer.set()
        async with asyncio.timeout(10):
            while not made.store.snapshot("squat.ai/new").devices.unseen:
                await made.store.newer_than("squat.ai/new", made.store.snapshot("squat.ai/new").generation)
        assert host.questions == 2


async def test_what_was_allocated_while_the_kubelet_took_its_time_to_answer_is_held() -> None:
    host, asked, answer = Host(), asyncio.Event(), asyncio.Event()
    moments: list[float] = []

    async def held() -> HeldIds:
        host.questions += 1
        asked.set()
        await answer.wait()
        return {SERIAL: {}, OTHER: {}}

    def handed_out(_: str, since: float) -> frozenset[str]:
        moments.append(since)
        return host.handed_out

    with_a_slow_kubelet = replace(dependencies(host), held=held, handed_out=handed_out)
    made = Controller([spec("serial", "/dev/ttyUSB*"), spec("other", "/dev/other*")], with_a_slow_kubelet, 0.0)
    made.observe(nothing())
    async with running(made):
        before = asyncio.get_running_loop().time()
        made.ask_for_holders()
        await asked.wait()
        after = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < after + 0.01:
            await asyncio.sleep(0)
        answer.set()
        async with asyncio.timeout(10):
            while not moments:
                await asyncio.sleep(0)
        assert before <= moments[0] + FRESH <= after, "as of the question"


async def test_what_pods_hold_and_is_not_here_is_listed_once_somebody_tells() -> None:
    host = Host()
    id_ = device_id("squat.ai/serial", ("/dev/ttyUSB7",), 0)
    host.holdings = {"squat.ai/serial": {id_: None, "an-id-of-somebody-else": None}}
    async with running(looked(host)) as made:
        made.ask_for_holders()
        devices = await _until(made, lambda devices: devices.count == 1)
        assert [remembered for remembered, _ in devices.unseen] == [id_]
        plug(made, "/dev/ttyUSB7")
        devices = await _until(made, lambda devices: devices.healthy_count == 1)
        assert (list(devices.by_id), devices.unseen) == ([id_], ())
        assert host.questions == 1


@asynccontextmanager
async def running(made: Controller) -> AsyncIterator[Controller]:
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _until(made: Controller, condition: Callable[[DeviceSet], bool]) -> DeviceSet:
    """Wait for a snapshot that meets the condition."""
    async with asyncio.timeout(10):
        while not condition(made.store.snapshot(SERIAL).devices):
            await made.store.newer_than(SERIAL, made.store.snapshot(SERIAL).generation)
    return made.store.snapshot(SERIAL).devices


async def _window_over(made: Controller) -> None:
    """Wait until no gathering window is open any more."""
    while any(state.debouncer.is_waiting for state in made._states.values()):
        await asyncio.sleep(0.001)


async def _recorded(made: Controller) -> None:
    """Wait until everything that changed has been assembled and written down."""
    await _window_over(made)
    while not all(state.is_recorded for state in made._states.values()):
        await asyncio.sleep(0.001)


async def test_what_is_too_much_is_offered_once_others_list_less(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(controller_module, "MAX_IDS", 3)
    made = looked(grace_period=0.0)
    running = asyncio.create_task(made.run())
    plug(made, "/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/other2", "/dev/other3")
    async with asyncio.timeout(10):
        while [made.store.snapshot(name).devices.count for name in (SERIAL, OTHER)] != [2, 1]:
            await asyncio.sleep(0.01)
        assert made.store.snapshot(OTHER).devices.left_out == 1
        while "devices are not offered" not in caplog.text:
            await asyncio.sleep(0.01)
        made.observe(pulled("/dev/ttyUSB1"))
        while [made.store.snapshot(name).devices.count for name in (SERIAL, OTHER)] != [1, 2]:
            await asyncio.sleep(0.01)
    assert made.store.snapshot(OTHER).devices.left_out == 0
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_pods_hold_is_said_to_who_keeps_files_of_former_resources() -> None:
    host, told = Host(), asyncio.Queue[HeldIds]()
    host.holdings = {SERIAL: {}, "squat.ai/former": {}}
    forgetting = replace(dependencies(host), forget_unheld=lambda held, _: told.put_nowait(held))
    made = Controller([spec("serial", "/dev/ttyUSB*")], forgetting, 300.0)
    made.observe(nothing())
    running = asyncio.create_task(made.run())
    made.ask_for_holders()
    assert await asyncio.wait_for(told.get(), 10) == host.holdings
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_resource_that_a_reload_removes_within_its_window_is_assembled_no_more() -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with running(looked(grace_period=0.0)) as made:
        plug(made, "/dev/ttyUSB0")
        await _window_over(made)
        made.observe(pulled("/dev/ttyUSB0"))
        await _until(made, lambda devices: devices.count == 0)
        removed = made._states[SERIAL]
        is_within_window = removed.debouncer.is_waiting
        assert is_within_window
        made.configure([spec("other", "/dev/other*")], 0.0)
        made.observe(HostLook(complete_for=made.interest.number))
        plug(made, "/dev/other1")
        while SERIAL in made._states or removed.debouncer.is_waiting:
            await asyncio.sleep(0)
    assert not failures


async def test_a_configuration_is_taken_as_a_whole_or_not_at_all() -> None:
    """What a new resource has offered before may not be readable now."""
    failures, looked_for = [StartError("no descriptors")], list[Interest]()

    def recall(spec: ResourceSpec) -> tuple[ResourceSpec, AssembledResource]:
        if spec.resource == "squat.ai/second" and failures:
            raise failures.pop()
        return spec, AssembledResource()

    made = Controller(
        [spec("serial", "/dev/ttyUSB*")],
        replace(dependencies(Host()), recall=recall, look_for=looked_for.append),
        300.0,
    )
    made.observe(nothing())
    plug(made, "/dev/ttyUSB0")
    now = [spec("serial", "/dev/other*"), spec("first", "/dev/a*"), spec("second", "/dev/b*")]
    with pytest.raises(StartError):
        made.configure(now, 0.0)
    assert set(made.store.snapshots) == {SERIAL}
    assert looked_for == []
    plug(made, "/dev/ttyUSB1")
    await made.store.newer_than(SERIAL, 2)
    assert made.store.snapshot(SERIAL).devices.count == 2
    made.configure(now, 0.0)
    assert set(made.store.snapshots) == {SERIAL, "squat.ai/first", "squat.ai/second"}
