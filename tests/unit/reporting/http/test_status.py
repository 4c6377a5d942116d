"""The state of the program as JSON, and the page that it is put into."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from udev_device_plugin import __version__
from udev_device_plugin.config.specs import PathType
from udev_device_plugin.devices.device import Device, DeviceSet, Holder, Member
from udev_device_plugin.devices.identity import device_id
from udev_device_plugin.host.model import DeviceNumber
from udev_device_plugin.reporting.http.page import page_with
from udev_device_plugin.reporting.http.status import Holders, ResourceStatus, Status
from udev_device_plugin.reporting.http.status_json import count_lines, moment, to_json
from udev_device_plugin.telemetry.event_log import Event, EventKind

SERIAL = "squat.ai/serial"
BY_ID = "/dev/serial/by-id/usb-FTDI_A1"
NOON = 1_767_268_800.0  # 2026-01-01 12:00:00 UTC
HOSTILE = [
    "/dev/<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"'`&amp;",
    "line\nbreak\u2028\u2029\x00\x1b[31m",
    "\u202egnp.exe",
    "😀",
]


def member(path: str = BY_ID, **more: Any) -> Member:
    return Member(
        path, path, "/dev/ttyUSB0", PathType.DEVICE, "mrw", False, "/dev/ttyUSB3", DeviceNumber("c", 188, 3), **more
    )


def stick(path: str = BY_ID, *, count: int = 1, is_healthy: bool = True) -> Device:
    return Device((path,), (member(path),), count, is_healthy, since=90.0, numa_nodes=(0,))


def status(*devices: Device, holders: Holders | None = None, **more: Any) -> Status:
    shown = ResourceStatus(DeviceSet(SERIAL, devices, more.pop("unseen", ())), **more)
    return Status("run-7", 100.0, NOON, 40.0, "node-1", resources=(shown,), holders=holders)


def text_of(status: Status, lines: range | None = None) -> str:
    first = moment(status).decode("ascii")
    return first + "".join(to_json(status, range(count_lines(status)) if lines is None else lines))


def shown(status: Status, lines: range | None = None) -> Any:
    return json.loads(text_of(status, lines))


def page_of(text: str) -> str:
    return b"".join(page_with([text.encode()]).body).decode()


def test_all_that_an_operator_asks_first_is_there() -> None:
    id_ = device_id(SERIAL, (BY_ID,), 0)
    holders = {SERIAL: {id_: Holder("default", "reader-0", "main")}}
    event = Event(3, 98.25, EventKind.HERE, (BY_ID,))
    assert shown(status(stick(), holders=holders, sent=(98.5, DeviceSet(SERIAL, (stick(),))), events=(event,))) == {
        "form": 2,
        "version": __version__,
        "host": "node-1",
        "generation": "run-7",
        "generated": "2026-01-01T12:00:00.000Z",
        "continue": None,
        "started": "2026-01-01T11:59:00.000Z",
        "problems": [],
        "hasLooked": True,
        "pods": {"known": True},
        "resources": [
            {
                "name": SERIAL,
                "connected": True,
                "trouble": None,
                "listed": {"healthy": 1, "unhealthy": 0},
                "kubelet": {"healthy": 1, "unhealthy": 0, "sent": "2026-01-01T11:59:58.500Z"},
                "devices": [
                    {
                        "identity": [BY_ID],
                        "health": "Healthy",
                        "since": "2026-01-01T11:59:50.000Z",
                        "numaNodes": [0],
                        "replicas": [
                            {
                                "id": id_,
                                "held": True,
                                "holder": {"namespace": "default", "pod": "reader-0", "container": "main"},
                            }
                        ],
                        "members": [
                            {
                                "type": "Device",
                                "identity": BY_ID,
                                "node": "/dev/ttyUSB3",
                                "number": "c188:3",
                                "hostPath": BY_ID,
                                "containerPath": "/dev/ttyUSB0",
                                "permissions": "mrw",
                                "readOnly": False,
                            }
                        ],
                    }
                ],
                "remembered": [],
                "events": [
                    {
                        "number": 3,
                        "time": "2026-01-01T11:59:58.250Z",
                        "kind": "here",
                        "devices": [BY_ID],
                        "more": 0,
                        "text": "",
                        "times": 1,
                    }
                ],
            }
        ],
        "events": [],
    }


def test_what_nobody_tells_is_not_known_rather_than_free() -> None:
    told = shown(status(stick()))
    assert told["pods"]["known"] is False
    assert told["resources"][0]["devices"][0]["replicas"][0]["held"] is None
    told = shown(status(stick(), holders={SERIAL: {}}))
    assert told["resources"][0]["devices"][0]["replicas"][0] == {
        "id": device_id(SERIAL, (BY_ID,), 0),
        "held": False,
        "holder": None,
    }


def test_a_resource_that_came_after_the_kubelet_was_asked_is_not_known_either() -> None:
    told = shown(status(stick(), holders={}))
    assert told["resources"][0]["devices"][0]["replicas"][0]["held"] is None


def test_replicas_and_what_pods_hold_unseen_count_as_listed() -> None:
    told = shown(status(stick(count=3), stick("/dev/b", is_healthy=False), unseen=(("old-id", 70.0),)))["resources"][0]
    assert told["listed"] == {"healthy": 3, "unhealthy": 2}
    assert [len(device["replicas"]) for device in told["devices"]] == [3, 1]
    assert told["remembered"] == [{"id": "old-id", "held": None, "holder": None, "since": "2026-01-01T11:59:30.000Z"}]


def test_trouble_is_told_and_the_newest_event_comes_first() -> None:
    events = (Event(1, 1.0, EventKind.HERE), Event(2, 2.0, EventKind.GONE))
    told = shown(status(trouble="no kubelet answers", events=events))["resources"][0]
    assert (told["connected"], told["trouble"], told["kubelet"]) == (False, "no kubelet answers", None)
    assert [event["kind"] for event in told["events"]] == ["gone", "here"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_arrive_as_they_are(name: str) -> None:
    told = shown(status(stick(name)))
    assert told["resources"][0]["devices"][0]["identity"] == [name]


@pytest.mark.parametrize(("name", "spelled"), [("/dev/tty\udcff\udc80", r"/dev/tty\xff\x80"), ("ä\udce4", r"ä\xe4")])
def test_bytes_that_are_no_text_are_spelled_out(name: str, spelled: str) -> None:
    text = text_of(status(stick(name)))
    assert json.loads(text)["resources"][0]["devices"][0]["identity"] == [spelled]
    assert text.isascii()


def test_others_words_may_be_no_text_either() -> None:
    assert shown(status(trouble="half \ud83d"))["resources"][0]["trouble"] == r"half \ud83d"


@pytest.mark.parametrize("name", HOSTILE)
def test_data_in_the_page_is_no_markup_and_still_the_same_data(name: str) -> None:
    text = text_of(status(stick(name)))
    page = page_of(text)
    data = re.findall(r'<script type="application/json" id="state">(.*?)</script>', page, re.DOTALL)
    assert len(data) == 1
    assert not set(data[0]) & {*"<>&", "\u2028", "\u2029"}
    assert json.loads(data[0]) == json.loads(text)
    assert page.count("<script") == page_of("{}").count("<script")


def test_the_policy_lets_the_pages_own_script_and_style_have_effect_and_nothing_else() -> None:
    header = page_with([]).headers["Content-Security-Policy"]
    policy = dict(part.split(" ", 1) for part in header.split("; "))
    text = page_of("{}")
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in header


def test_the_page_needs_nothing_from_elsewhere_and_no_fixed_place() -> None:
    text = page_of("{}")
    targets = re.findall(r'(?:href|src|action)="([^"]*)"', text)
    assert targets
    assert all(target.startswith(("#", "data:")) or re.fullmatch(r"[a-z]+", target) for target in targets)
    assert "innerHTML" not in text.replace("no innerHTML here", "")
    assert not re.search(r"\s(?:style|on\w+)=", text)


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    def resource(number: int) -> ResourceStatus:
        counts = draw(st.lists(st.integers(0, 4), max_size=3))
        unseen = tuple((f"old-{index}", 70.0) for index in range(draw(st.integers(0, 3))))
        devices = tuple(stick(f"/dev/{index}", count=count) for index, count in enumerate(counts))
        return ResourceStatus(DeviceSet(f"squat.ai/r{number}", devices, unseen))

    return Status("run-7", 100.0, NOON, 40.0, resources=tuple(map(resource, range(draw(st.integers(0, 3))))))


def ids(resources: list[Any]) -> list[tuple[str, ...]]:
    """Each line of the list, by what it is about."""
    found: list[tuple[str, ...]] = []
    for resource in resources:
        found.append((resource["name"],))
        for device in resource["devices"]:
            found.append((resource["name"], *device["identity"]))
            found.extend((resource["name"], *device["identity"], replica["id"]) for replica in device["replicas"])
        found.extend((resource["name"], "remembered", one["id"]) for one in resource["remembered"])
    return found


@given(statuses(), st.integers(1, 12))
def test_all_parts_together_are_the_whole(status: Status, limit: int) -> None:
    whole, count = shown(status), count_lines(status)
    assert len(ids(whole["resources"])) == count
    parts = [shown(status, range(start, min(start + limit, count))) for start in range(0, count, limit)]
    lines = [line for part in parts for line in ids(part["resources"])]
    assert [*dict.fromkeys(lines)] == ids(whole["resources"])  # a part begins with what its first line belongs to
    assert all(len(ids(part["resources"])) <= limit + 2 for part in parts)
    for part in parts:
        assert {**part, "resources": None, "continue": None} == {**whole, "resources": None, "continue": None}


def test_each_resource_device_and_id_has_a_line() -> None:
    text = text_of(status(stick(count=3), stick("/dev/b"), unseen=(("old-id", 70.0),)))
    assert len(text.splitlines()) == 2 + 1 + 2 + 4 + 1 + 1 - 1
