"""A real browser without a window, as a person at the status page would use it.

Debian's Chromium, driven by its driver. Everything about it blocks: call it by `asyncio.to_thread`, or be alone.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

PATIENCE = 20.0  # seconds; only a failing test waits that long
DESKTOP, PHONE = (1180, 800), (360, 740)

_WATCH = """
window.alarms = [];
window.alert = () => window.alarms.push("alert");
addEventListener("securitypolicyviolation", event => window.alarms.push(event.violatedDirective));
"""


class Browser:
    """One window, with what a person and a test do with it."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})

    def open(self, address: str, path: str = "/") -> None:
        """Go to a page, and wait until it has come."""
        self.driver.get(f"http://{address}{path}")

    def resize(self, size: tuple[int, int], *, is_phone: bool = False, scale: float = 1) -> None:
        """Make the window as large as a device's."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": is_phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **features: str) -> None:
        """Prefer what CSS asks for: `prefers_color_scheme="dark"`."""
        asked = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": asked})

    @contextmanager
    def without_script(self) -> Iterator[None]:
        """No page has JavaScript meanwhile."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        yield
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.driver.execute_script(f"return ({script})")

    def text(self, selector: str = "body") -> str:
        """What a person reads there, in one line each."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def rows(self) -> list[str]:
        """What a person reads in each row of the tables."""
        return [str(text) for text in self.run("[...document.querySelectorAll('tbody tr')].map(row => row.innerText)")]

    def press(self, *keys: str) -> None:
        """Press these keys one after the other."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def focus(self) -> str:
        """The text of what has the keyboard's focus."""
        return str(self.run("document.activeElement.innerText || document.activeElement.textContent"))

    def alarms(self) -> list[str]:
        """What must never happen: scripts of others that ran, breaches of the page's policy, errors."""
        logged = [entry["message"] for entry in self.log() if entry["level"] == "SEVERE"]
        return [*self.run("window.alarms"), *logged]

    def log(self) -> list[dict[str, str]]:
        """What the browser has logged since the last call."""
        entries: list[dict[str, str]] = self.driver.get_log("browser")
        return entries

    def wait_until(self, condition: Callable[[], object], what: str) -> float:
        """Wait until something holds; returns after how many seconds it did."""
        begun = time.monotonic()
        while not condition():
            if time.monotonic() - begun > PATIENCE:
                raise AssertionError(f"not in {PATIENCE:g} s: {what}; the page says:\n{self.text()}")
            time.sleep(0.02)
        return time.monotonic() - begun

    def picture(self, path: str, *, is_whole: bool = False) -> None:
        """Take a picture of what is to be seen, or of the whole page."""
        if is_whole:
            height = int(self.run("document.documentElement.scrollHeight"))
            width = int(self.run("innerWidth"))
            self.resize((width, height), scale=float(self.run("devicePixelRatio")))
        self.driver.save_screenshot(path)

    def find(self, selector: str) -> Any:
        """An element of the page."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)


@contextmanager
def chromium(arguments: Sequence[str] = ()) -> Iterator[Browser]:
    """A browser with nothing in it, for as long as the context lasts."""
    folder = tempfile.mkdtemp(prefix="chromium-")
    options = ChromeOptions()
    options.binary_location = _program("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",  # it refuses to run as root with one; it is shown nothing but our page
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
        "--lang=en-GB",
        f"--user-data-dir={folder}",
        *arguments,
    ):
        options.add_argument(argument)
    driver = Chrome(
        options,
        ChromeService(_program("chromedriver"), env={"HOME": folder, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}),
    )
    try:
        yield Browser(driver)
    finally:
        driver.quit()
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name}: there is no such program; hack/test browser installs it")
    return path
