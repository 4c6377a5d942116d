"""The made-up /sys, and the nodes in the made-up /dev, as the kernel shows them. Others say what and when."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Mapping

from tests.lab.records import FakeDevice, FakeNode

MODE = 0o600
"""What the kernel gives a node, before udevd is at work."""


def make_bare() -> None:
    """Makes /sys look like that of a kernel without devices."""
    empty("/sys")
    for directory in ("bus", "class", "dev/block", "dev/char", "devices", "kernel"):
        os.makedirs(f"/sys/{directory}")


def add(device: FakeDevice) -> None:
    """Makes the device appear, but for its node. What finds it finds its `uevent` too."""
    os.makedirs(device.sys_path, exist_ok=True)
    write(f"{device.sys_path}/uevent", lines(device.uevent_file()))
    bus = f"/sys/bus/{device.subsystem}"
    _symlink(bus if device.is_on_bus else device.collection, f"{device.sys_path}/subsystem")
    write_attributes(device)
    for name, target in device.symlinks.items():
        _symlink(target, f"{device.sys_path}/{name}")
    if device.driver:
        os.makedirs(f"{bus}/drivers/{device.driver}", exist_ok=True)
        _symlink(f"{bus}/drivers/{device.driver}", f"{device.sys_path}/driver")
    if device.node:
        write(f"{device.sys_path}/dev", f"{device.node.major}:{device.node.minor}\n")
    for link in _elsewhere(device):
        _symlink(device.sys_path, link)


def remove(device: FakeDevice) -> None:
    """Makes the device vanish, but for its node, which goes before."""
    for link in reversed(_elsewhere(device)):
        os.unlink(link)
    shutil.rmtree(device.sys_path)
    prune(os.path.dirname(device.sys_path), "/sys/devices")


def write_attributes(device: FakeDevice) -> None:
    """Writes its attributes, new or changed."""
    for name, value in device.attributes.items():
        write(f"{device.sys_path}/{name}", f"{value}\n")


def make_node(node: FakeNode, mode: int | None = None) -> None:
    """A true node, which cannot be opened as no driver has these numbers; with the mode that udevd gives it."""
    os.makedirs(os.path.dirname(node.path), exist_ok=True)
    mode = node.mode if mode is None else mode
    kind = stat.S_IFBLK if node.kind == "b" else stat.S_IFCHR
    os.mknod(node.path, kind | mode, os.makedev(node.major, node.minor))
    if stat.S_IMODE(os.stat(node.path).st_mode) != mode:  # the umask's doing
        os.chmod(node.path, mode)


def remove_node(node: FakeNode) -> None:
    """Removes a node, and the directories that it was alone in."""
    os.unlink(node.path)
    prune(os.path.dirname(node.path), "/dev")


def lines(values: Mapping[str, str]) -> str:
    """As in the files `uevent`."""
    return "".join(f"{key}={value}\n" for key, value in values.items())


def write(path: str, text: str) -> None:
    """Writes a file, with the directories above it; for bytes that are no UTF-8 there are `surrogateescape`'s."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", errors="surrogateescape") as file:
        file.write(text)


def empty(root: str, keep: frozenset[str] = frozenset()) -> None:
    """Empties a directory but for these names; it exists afterwards."""
    os.makedirs(root, exist_ok=True)
    for entry in list(os.scandir(root)):
        if entry.name in keep:
            continue
        if entry.is_dir(follow_symlinks=False):
            _remove(entry.path)
        else:
            with contextlib.suppress(FileNotFoundError):  # a plugin removes its sockets itself
                os.unlink(entry.path)


def prune(directory: str, root: str) -> None:
    """Removes it and its parents below the root as far as they are empty, as udevd and devtmpfs do."""
    while directory != root and not os.listdir(directory):
        os.rmdir(directory)
        directory = os.path.dirname(directory)


def _elsewhere(device: FakeDevice) -> tuple[str, ...]:
    """The links elsewhere in sysfs that lead to the device."""
    if not device.node:
        return (f"{device.collection}/{device.sys_name}",)
    kind = "block" if device.node.kind == "b" else "char"
    number = f"{device.node.major}:{device.node.minor}"
    return (f"{device.collection}/{device.sys_name}", f"/sys/dev/{kind}/{number}")


def _symlink(target: str, link: str) -> None:
    """A relative link, like all of sysfs."""
    os.makedirs(os.path.dirname(link), exist_ok=True)
    os.symlink(os.path.relpath(target, os.path.dirname(link)), link)


def _remove(directory: str) -> None:
    """Remove a directory; again, if somebody puts something into it meanwhile."""
    while os.path.isdir(directory):
        try:
            shutil.rmtree(directory)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise
