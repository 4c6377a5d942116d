"""Who is shown devices and pods, and what everybody may ask."""

import asyncio
import json
from collections.abc import Sequence
from http import HTTPStatus

import pytest

from tests.unit.reporting.http.client import Stage, ask, serving
from udev_device_plugin.config.settings import StatusAccess
from udev_device_plugin.reporting.http.access import refusal
from udev_device_plugin.reporting.http.messages import Answer, Request
from udev_device_plugin.reporting.http.metrics_page import MetricsPage
from udev_device_plugin.reporting.http.routes import Routes
from udev_device_plugin.reporting.http.status_pages import StatusPages
from udev_device_plugin.telemetry.metrics import Metrics

LOCAL, ANY, OFF = StatusAccess.LOCAL, StatusAccess.ANY, StatusAccess.OFF
OF_THE_MACHINE = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]
OF_OTHERS = ["10.0.0.7", "192.0.2.1", "0.0.0.0", "fe80::1%eth0", "2001:db8::1", "::ffff:192.0.2.1", "::", "169.254.1.1"]
OUR_NAMES = [
    *("localhost", "localhost:19414", "LocalHost.", "a.localhost:1", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:80"),
    *("10.0.0.7:19414", "[2001:db8::1]:80", "[fe80::1%25eth0]:80"),  # nobody's names, though not this machine's
    "",
]
FOREIGN_NAMES = [
    *("evil.example", "evil.example:19414", "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example"),
    *(
        "127.0.0.1@evil.example",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[evil.example]",
        "::1",
        "evil.example.",
        "%",
    ),
]


@pytest.mark.parametrize("peer", OF_THE_MACHINE)
@pytest.mark.parametrize("host", OUR_NAMES)
def test_the_machine_itself_is_shown_the_status(peer: str, host: str) -> None:
    assert refusal(LOCAL, peer, host) is None


@pytest.mark.parametrize("peer", OF_OTHERS)
def test_others_are_told_how_to_see_it(peer: str) -> None:
    problem = refusal(LOCAL, peer, "localhost")
    assert problem is not None
    assert "kubectl port-forward" in problem
    assert refusal(ANY, peer, "node-1:19414") is None


@pytest.mark.parametrize("host", FOREIGN_NAMES)
def test_a_page_with_a_name_of_its_own_is_not_shown_it(host: str) -> None:
    problem = refusal(LOCAL, "127.0.0.1", host)
    assert problem is not None
    assert problem.startswith('Host: "')


@pytest.mark.parametrize("peer", OF_THE_MACHINE + OF_OTHERS)
def test_off_is_for_all(peer: str) -> None:
    assert "--status=local" in str(refusal(OFF, peer, "localhost"))


def sensitive() -> Sequence[str]:
    return ["configuration not reloaded: config.yaml:3: … A50285BI …"]


def answered(access: StatusAccess, peer: str, path: str, host: str = "localhost") -> Answer:
    async def never() -> None:
        await asyncio.Event().wait()

    async def answer() -> Answer:
        routes = Routes(MetricsPage(Metrics().registry), StatusPages(Stage()), tuple, tuple, sensitive, access)
        path_, _, query = path.partition("?")
        return await routes.answer(Request(path_, query, {"host": host}, peer, never))

    return asyncio.run(answer())


@pytest.mark.parametrize("path", ["/", "/devices", "/devices?limit=1", "/devices?newer-than=run-1", "/devices?limit=x"])
def test_whatever_shows_devices_is_refused_in_one_line(path: str) -> None:
    for access, peer, host in ((LOCAL, "192.0.2.1", "localhost"), (LOCAL, "::1", "evil.example"), (OFF, "::1", "")):
        refused = answered(access, peer, path, host)
        assert refused.status is HTTPStatus.FORBIDDEN
        assert b"".join(refused.body).count(b"\n") == 1
        assert b"node-1" not in b"".join(refused.body)


@pytest.mark.parametrize("access", StatusAccess)
@pytest.mark.parametrize("path", ["/metrics", "/health", "/healthz", "/readyz"])
def test_health_and_metrics_are_for_all_whatever_they_call_the_node(access: StatusAccess, path: str) -> None:
    assert answered(access, "192.0.2.1", path, "node-1:19414").status is HTTPStatus.OK


def test_texts_of_the_configuration_are_shown_to_those_alone_who_may_see_devices() -> None:
    notes = {
        (access, peer): b"A50285BI" in b"".join(answered(access, peer, "/readyz").body)
        for access in StatusAccess
        for peer in ("::1", "192.0.2.1")
    }
    shown = {key for key, is_shown in notes.items() if is_shown}
    assert shown == {(LOCAL, "::1"), (ANY, "::1"), (ANY, "192.0.2.1")}


async def test_the_header_counts_as_it_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(caplog) as served:
        for host, status in (("evil.example", 403), (f"localhost:{served.address[1]}", 200), ('a"\xe9', 403)):
            assert (await ask(served.address, "/devices", headers={"Host": host})).status == status
            assert (await ask(served.address, "/healthz", headers={"Host": host})).status == 200
        shown = await ask(served.address, "/devices", headers={"Host": "127.0.0.1", "X-Forwarded-For": "192.0.2.1"})
        assert json.loads(shown.text)["host"] == "node-1"
