"""The installed service: what a real systemd lets it do, and what not."""

import asyncio
import contextlib
import glob
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.lab.netlink import Injector
from tests.lab.node import is_listed
from udev_device_plugin.testing.kubelet import Kubelet

UNIT = "udev-device-plugin.service"
CHECKOUT = os.path.join(os.path.dirname(__file__), "..", "..")
CONFIG = "/etc/udev-device-plugin/config.yaml"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/lab.conf"
DIRECTORY = "/var/lib/kubelet/device-plugins"
POD_RESOURCES = "/var/lib/kubelet/pod-resources/kubelet.sock"
STICK = "/dev/ttyUSB0"
PATIENCE = 20.0  # seconds


def _run(*command: str) -> str:
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


def _install(*arguments: str) -> str:
    (wheel,) = glob.glob(f"{CHECKOUT}/.cache/wheels/udev_device_plugin-*.whl")
    script = f"{CHECKOUT}/hack/install-service"
    return _run(script, "--package", wheel, "--wheels", f"{CHECKOUT}/.cache/wheels", *arguments)


def _show(name: str) -> str:
    return _run("systemctl", "show", "--property", name, "--value", UNIT).strip()


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def _page(path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:19414{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError as error:
        return str(error)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def _installed() -> Iterator[None]:
    """The service, with udev's control socket in sight and a configuration of one resource."""
    os.makedirs("/run/udev/data", exist_ok=True)
    os.makedirs("/sys/dev/char", exist_ok=True)
    _write("/run/udev/control", "")
    _write(CONFIG, "devices: [{type: serial, paths: [/dev/ttyUSB*]}]\n")
    # /sys is a made-up one, as libudev would notice; its log is a file, since there is no journal.
    _write(DROP_IN, "[Service]\nEnvironment=SYSTEMD_DEVICE_VERIFY_SYSFS=0\nStandardOutput=append:/run/plugin.log\n")
    _install()
    yield
    sys.stdout.write(_read("/run/plugin.log"))  # pytest shows it with a test that failed
    _install("--uninstall")


@pytest.fixture
def _bare() -> Iterator[None]:
    yield
    with contextlib.suppress(FileNotFoundError):
        os.unlink(STICK)


@pytest.mark.usefixtures("_bare")
async def test_it_registers_and_sees_a_plug_and_hears_udev() -> None:
    async with Kubelet(DIRECTORY, pod_resources_socket=POD_RESOURCES) as kubelet:
        await kubelet.wait_until(is_listed, timeout=PATIENCE)
        assert kubelet.resource("squat.ai/serial").capacity == 0
        os.mknod(STICK, 0o600 | 0o020000, os.makedev(188, 0))
        await kubelet.wait_for_devices("squat.ai/serial", healthy=1, timeout=PATIENCE)
        injector = Injector()
        injector.send({"ACTION": "change", "DEVPATH": "/devices/virtual/tty/lab", "SUBSYSTEM": "tty"})
        await _until(lambda: 'udev_device_plugin_uevents_total{action="change"} 1.0' in _page("/metrics"))
        injector.close()
        assert "process_resident_memory_bytes" in _page("/metrics")
        assert _page("/healthz").startswith("ok")
        await _until(lambda: _page("/readyz").startswith("ok"))
        pod = await kubelet.allocate("squat.ai/serial", 1)
        await kubelet.start_container(pod)


async def test_it_has_no_capability_and_cannot_get_one() -> None:
    lines = _read(f"/proc/{_show('MainPID')}/status").splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def _can_write(directory: str) -> bool:
    """In the service's own view of the host, with the rights of this test: more than its own."""
    inside = ("nsenter", "--target", _show("MainPID"), "--mount", "touch", f"{directory}/of-a-test")
    return subprocess.run(inside, check=False, stderr=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("directory", ["/", "/etc", "/usr", "/dev", "/run/udev", "/var/lib/kubelet", "/opt"])
def test_it_sees_a_read_only_host(directory: str) -> None:
    assert not _can_write(directory)


def test_it_may_write_into_the_plugin_directory() -> None:
    assert _can_write(DIRECTORY)
    os.unlink(f"{DIRECTORY}/of-a-test")


@pytest.mark.usefixtures("_bare")
async def test_a_reload_takes_the_changed_file_in_force() -> None:
    async with Kubelet(DIRECTORY, pod_resources_socket=POD_RESOURCES) as kubelet:
        await kubelet.wait_until(lambda seen: seen.resource("squat.ai/serial").connected, timeout=PATIENCE)
        _write(CONFIG, "devices: [{type: serial, paths: [/dev/ttyUSB*]}, {type: fuse, paths: [/dev/fuse]}]\n")
        _run("systemctl", "reload", UNIT)
        await kubelet.wait_until(lambda seen: seen.resource("squat.ai/fuse").connected, timeout=PATIENCE)
        serial = kubelet.resource("squat.ai/serial")
        assert (serial.connected, serial.registrations) == (True, 1), "what stays as it was does not notice"


async def test_it_comes_back_when_it_is_killed() -> None:
    before = _show("MainPID")
    _run("systemctl", "kill", "--signal", "KILL", UNIT)
    await _until(lambda: _show("MainPID") not in ("0", before))


async def test_a_stop_is_clean() -> None:
    await _until(lambda: _page("/healthz").startswith("ok"))
    _run("systemctl", "stop", UNIT)
    assert (_show("Result"), _show("ExecMainStatus")) == ("success", "0")
    _run("systemctl", "start", UNIT)


@pytest.mark.parametrize("kubelet", ["kubelet", "k3s", "k3s-agent", "k0scontroller", "k0sworker"])
def test_it_comes_before_the_kubelet(kubelet: str) -> None:
    assert f"{kubelet}.service" in _show("Before").split()


async def test_an_update_leaves_the_configuration_alone_and_restarts_it() -> None:
    before, text = _show("MainPID"), _read(CONFIG)
    assert f"leaving {CONFIG} as it is" in _install()
    assert _read(CONFIG) == text
    await _until(lambda: _show("MainPID") not in ("0", before))


async def test_a_kubelet_with_another_root_is_asked_there_and_met_where_all_kubelets_are() -> None:
    _install("--kubelet-directory", "/var/lib/k0s/kubelet")
    socket = "/var/lib/k0s/kubelet/pod-resources/kubelet.sock"
    async with Kubelet(DIRECTORY, pod_resources_socket=socket) as kubelet:
        await kubelet.wait_until(lambda seen: seen.resource("squat.ai/serial").connected, timeout=PATIENCE)
        await kubelet.wait_until(lambda seen: seen.pod_resources_calls > 0, timeout=PATIENCE)


async def test_another_plugin_directory_is_served_and_only_that_is_writable() -> None:
    plugins = "/var/snap/microk8s/common/var/lib/kubelet/device-plugins"
    _install("--plugin-directory", plugins)
    async with Kubelet(plugins) as kubelet:
        await kubelet.wait_until(lambda seen: seen.resource("squat.ai/serial").connected, timeout=PATIENCE)
    assert _can_write(plugins)
    assert not _can_write(DIRECTORY)
