"""The status page as a person sees it: live, harmless whatever devices are called, by keyboard, on a phone."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

import pytest
from selenium.webdriver.common.keys import Keys

from tests.lab.browser import PHONE, Browser
from tests.lab.host import FakeHost
from tests.lab.node import SERIAL, every, until_dropped, wait_until_listed
from tests.lab.plugin import PluginProcess
from tests.lab.sticks import camera, serial_adapter
from udev_device_plugin.testing.kubelet import Kubelet

_P = ParamSpec("_P")
_T = TypeVar("_T")

ALL = every("/dev/ttyUSB*", "/dev/odd/*")
SOON = 1.0  # seconds from what happens to its being shown

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)<",
    "<!--",
    "\"'`&quot;&#60;b",
    "{{7*7}}${7*7}",
    "%3Cb%3E",
    "javascript:alert(1)",
    "x" * 200,
]
SPELLED = {
    "\u202egnp.exe": "\\u202egnp.exe",
    "two\nlines": "two\\u000alines",
    "zero\u200bwidth": "zero\\u200bwidth",
    "\u2028\u2029": "\\u2028\\u2029",
    "byte\udcff": "byte\\xff",
}


async def do(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Have the browser do something; the kubelet lives on meanwhile."""
    return await asyncio.to_thread(work, *args, **kwargs)


@asynccontextmanager
async def shown(browser: Browser, directory: str, *specs: str) -> AsyncIterator[tuple[Kubelet, PluginProcess]]:
    """The page of a plugin that has registered with a kubelet."""
    pods = f"{directory}/pods/kubelet.sock"
    plugin = PluginProcess.serving(*specs, directory=directory, arguments=("--pod-resources-socket", pods))
    async with Kubelet(directory, pod_resources_socket=pods) as kubelet, plugin:
        await wait_until_listed(kubelet, *specs)
        await do(browser.open, await plugin.address())
        yield kubelet, plugin
        assert await do(browser.alarms) == []


async def test_a_plug_appears_and_an_unplug_shows_without_a_reload(
    host: FakeHost, plugin_directory: str, browser: Browser
) -> None:
    async with shown(browser, plugin_directory, ALL) as (kubelet, _):
        assert "No device that matches has been seen" in await do(browser.text)
        await do(browser.run, "window.isTheSame = true")

        def row() -> str:
            return "\n".join(browser.rows())

        stick = serial_adapter(serial="A1B2")
        host.plug(stick)
        assert await do(browser.wait_until, lambda: "Healthy" in row() and "A1B2" in row(), "the stick") < SOON
        assert "/dev/ttyUSB0" in row()

        await kubelet.allocate(SERIAL, namespace="lab", pod="reader-0", container="main")
        await do(browser.wait_until, lambda: "lab/reader-0" in row(), "the pod")

        host.unplug(stick)
        assert await do(browser.wait_until, lambda: "Unhealthy" in row(), "that it is unplugged") < SOON
        await do(browser.wait_until, lambda: "1 missing" in browser.text("#summary"), "that it is missing")
        assert "Gone" in await do(browser.text, "#events")
        assert "Gone" in await do(browser.run, "document.querySelector('#news').textContent")

        host.plug(stick)
        assert await do(browser.wait_until, lambda: "Unhealthy" not in row(), "that it is back") < SOON
        assert await do(browser.run, "window.isTheSame") is True


async def test_a_kubelet_that_goes_shows(host: FakeHost, plugin_directory: str, browser: Browser) -> None:
    host.plug(serial_adapter())
    async with shown(browser, plugin_directory, ALL) as (kubelet, _):
        await do(browser.wait_until, lambda: "The kubelet listens" in browser.text(), "the kubelet")
        await kubelet.stop()
        await do(browser.wait_until, lambda: "does not listen: no kubelet answers" in browser.text(), "its absence")


async def test_names_of_devices_are_shown_and_do_nothing(
    host: FakeHost, plugin_directory: str, browser: Browser
) -> None:
    stick = serial_adapter()
    host.plug(stick)
    os.mkdir("/dev/odd")
    numbers = (os.makedev(240, minor) for minor in range(40))  # of one number, all would be one device
    for name in (*HOSTILE[:4], *SPELLED):
        os.mknod(f"/dev/odd/{name}".encode("utf-8", "surrogateescape"), 0o20600, next(numbers))
    async with shown(browser, plugin_directory, ALL) as (kubelet, _):
        for name in HOSTILE[4:]:
            os.mknod(f"/dev/odd/{name}", 0o20600, next(numbers))
        await kubelet.wait_for_devices(SERIAL, healthy=1 + len(HOSTILE) + len(SPELLED))
        names = {*HOSTILE, *SPELLED.values()}

        def rows() -> str:
            return "\n".join(browser.run("[...document.querySelectorAll('tbody tr')].map(row => row.textContent)"))

        await do(browser.wait_until, lambda: all(name in rows() for name in names), "all names")
        elements = await do(browser.run, "[...document.body.querySelectorAll('img, script, b, iframe')].length")
        assert elements == 2  # the data, and the page's own script
        assert "49" not in rows()
        assert not set(rows()) & {"\u202e", "\u2028", "\u2029", "\u200b"}
        await do(browser.run, "document.querySelectorAll('details').forEach(one => one.open = true)")
        assert await do(browser.alarms) == []
        await do(browser.resize, PHONE, is_phone=True)
        assert await do(browser.run, "document.documentElement.scrollWidth <= innerWidth")


async def test_the_policy_stops_a_script_that_got_in(host: FakeHost, plugin_directory: str, browser: Browser) -> None:
    host.plug(serial_adapter())
    async with shown(browser, plugin_directory, ALL):
        for attempt in (
            "document.body.setAttribute('onclick', 'alert(1)')",
            "document.body.innerHTML = '<img src=x onerror=alert(1)>'",
            "document.createElement('script').text = 'alert(1)'",
            "document.createElement('iframe').srcdoc = '<script>alert(1)<' + '/script>'",
        ):
            outcome = f"(() => {{ try {{ {attempt}; return 'done' }} catch (error) {{ return error.name }} }})()"
            assert await do(browser.run, outcome) == "TypeError", attempt
        far = "fetch('http://localhost:1/').then(() => 'done', error => error.name)"
        assert await do(browser.run, far) == "TypeError"
        assert "alert" not in await do(browser.alarms)
        await do(browser.driver.get, "about:blank")
        await do(browser.log)


async def test_all_can_be_reached_and_read_by_keyboard(host: FakeHost, plugin_directory: str, browser: Browser) -> None:
    for number in range(8):
        host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"))
    async with shown(browser, plugin_directory, ALL) as (kubelet, _):
        for number in range(8):
            host.unplug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"))
            await kubelet.wait_for_devices(SERIAL, healthy=7)
            host.plug(serial_adapter(f"ttyUSB{number}", f"S{number}", f"1-{number + 1}"))
            await kubelet.wait_for_devices(SERIAL, healthy=8)
        await do(browser.wait_until, lambda: "Show all" in browser.text("#history"), "more events than fit")
        await do(browser.press, Keys.TAB)
        assert "Skip to" in await do(browser.focus)
        await do(browser.press, Keys.ENTER, Keys.TAB)
        assert (await do(browser.focus)).startswith("Details")
        assert await do(browser.run, "getComputedStyle(document.activeElement).outlineStyle") != "none"
        await do(browser.press, Keys.ENTER)
        assert "Host path" in await do(browser.text, "tbody tr")

        # What is open and in focus stays so when its device changes.
        host.unplug(serial_adapter("ttyUSB0", "S0", "1-1"))
        await do(browser.wait_until, lambda: "Unhealthy" in browser.rows()[0], "the change")
        assert (await do(browser.focus)).startswith("Details")
        assert "Host path" in (await do(browser.rows))[0]

        await do(browser.press, *[Keys.TAB] * 8)
        assert "Show all" in await do(browser.focus)
        before = await do(browser.run, "document.querySelectorAll('#events li').length")
        await do(browser.press, Keys.ENTER)
        assert await do(browser.run, "document.querySelectorAll('#events li').length") > before
        assert await do(browser.run, "document.activeElement.getAttribute('aria-expanded')") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_scrolls_sideways_on_a_phone_and_all_text_has_contrast(
    host: FakeHost, plugin_directory: str, browser: Browser, scheme: str
) -> None:
    sticks = [serial_adapter("ttyUSB0", "A" * 60, "1-1"), serial_adapter("ttyUSB1", "B", "1-2"), camera(0, port="1-4")]
    for stick in sticks:
        host.plug(stick)
    await do(browser.resize, PHONE, is_phone=True)
    await do(browser.prefer, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    async with shown(browser, plugin_directory, ALL, every("/dev/video*", name="video")) as (kubelet, _):
        host.unplug(sticks[1])
        await kubelet.wait_for_devices(SERIAL, healthy=1, unhealthy=1)
        await do(browser.wait_until, lambda: "Unhealthy" in browser.text(), "that one is gone")
        await do(browser.run, "document.querySelectorAll('details').forEach(one => one.open = true)")
        assert await do(browser.run, "[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
        assert await do(browser.run, LOW_CONTRAST) == []


async def test_without_script_the_page_says_where_to_look(
    host: FakeHost, plugin_directory: str, browser: Browser
) -> None:
    host.plug(serial_adapter())
    async with shown(browser, plugin_directory, ALL) as (_, plugin):
        with browser.without_script():
            await do(browser.open, await plugin.address())
        link = await do(browser.find, "noscript a, main a")
        assert await do(link.get_attribute, "href") == f"http://{await plugin.address()}/devices"


async def test_a_plugin_that_ends_and_comes_back_is_followed(
    host: FakeHost, plugin_directory: str, browser: Browser
) -> None:
    host.plug(serial_adapter())
    async with shown(browser, plugin_directory, ALL) as (kubelet, plugin):
        address = await plugin.address()
        async with until_dropped(kubelet, SERIAL):
            assert await plugin.terminate() == 0
        await do(browser.wait_until, lambda: "No connection" in browser.text("#live"), "that it is gone")
        assert "ttyUSB0" in browser.text()
        await do(browser.log)  # the browser complains about that
        arguments = ("--device", ALL, "--plugin-directory", plugin_directory, "--listen", address)
        async with PluginProcess(*arguments) as second:
            await wait_until_listed(kubelet, ALL)
            await do(browser.wait_until, lambda: browser.text("#live") == "Live", "that it is back")
            host.plug(serial_adapter("ttyUSB1", "second", "1-5"))
            await do(browser.wait_until, lambda: "second" in browser.text("#resources"), "what is new since")
            await do(browser.driver.get, "about:blank")
            await do(browser.log)
            assert await second.terminate() == 0


# WCAG's contrast of each text with what is behind it; those below 4.5.
LOW_CONTRAST = """(() => {
  const parse = color => (color.match(/[\\d.]+/g) || []).map(Number);
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = color => color.slice(0, 3).map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || /SCRIPT|STYLE/.test(element.tagName)) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (contrast < 4.5) found.push([walker.currentNode.data, contrast]);
  }
  return found;
})()"""
