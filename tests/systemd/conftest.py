"""Tests of the service under a real systemd. They run as `hack/test systemd`, on a made-up host of their own."""

import os


def pytest_configure() -> None:
    with open("/proc/1/comm") as file:
        init = file.read().strip()
    if os.environ.get("UDEV_LAB_SYSTEMD") != "1" or init != "systemd":
        raise RuntimeError("this is no host of its own, and services would be installed on it; run: hack/test systemd")
