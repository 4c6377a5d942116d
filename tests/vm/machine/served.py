"""What the plugin serves: the specs of the default manifest, some by-id globs, and selectors of every other kind."""

import json
import sys

from tests.lab.plugin import PluginProcess

DIRECTORY = "/run/plugins"
PATIENT_PLUGIN = (sys.executable, "-m", "tests.vm.machine.patient")
POD_RESOURCES_SOCKET = "/run/plugins-pods/kubelet.sock"

ADAPTERS, VIDEO, CAMERAS, MODEMS = "squat.ai/adapters", "squat.ai/video", "squat.ai/cameras", "squat.ai/modems"
LIDAR, LTE, RULED, WEBCAMS = "squat.ai/lidar", "squat.ai/lte", "squat.ai/ruled", "squat.ai/webcams"
RADIOS, ACCELERATORS, SCANNERS = "squat.ai/radios", "squat.ai/accelerators", "squat.ai/scanners"

RULE = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", ATTRS{serial}=="RULED"'


def _every(name: str, path: str) -> str:
    return json.dumps({"type": name, "paths": [path]})


def _select(kind: str, name: str, **entry: object) -> str:
    return json.dumps({"name": name, "groups": [{kind: [entry]}]})


SERIAL_SPEC = json.dumps(
    {
        "name": "serial",
        "groups": [{"paths": [{"path": path}]} for path in ("/dev/ttyUSB*", "/dev/ttyACM*", "/dev/rfcomm*")],
    }
)
SPECS = (
    SERIAL_SPEC,
    _every("adapters", "/dev/serial/by-id/*"),
    _every("video", "/dev/video*"),
    _every("cameras", "/dev/v4l/by-id/*-video-index0"),
    _every("modems", "/dev/cdc-wdm*"),
    _select("usb", "lidar", vendor="10c4", product="ea60", serial="LIDAR1", nodes=["tty"]),
    _select("usb", "lte", vendor="2c7c", product="0125", nodes={"tty": 4, "usbmisc": 1}),
    _select("usb", "webcams", vendor="046d", product="0825", nodes=["video4linux"]),
    _select("usb", "radios", vendor="0bda", product="2838"),
    _select("usb", "accelerators", vendor="1a6e", product="089a", aliases=[{"vendor": "18d1", "product": "9302"}]),
    _select("hid", "scanners", vendor="05e0", product="1200", usagePage="8c", mountPath="/dev/scanner"),
    _select("udev", "ruled", match=RULE, mountPath="/dev/ruled", permissions="rw"),
)


def make_plugin() -> PluginProcess:
    """The plugin that serves them, not yet started."""
    arguments = ["--pod-resources-socket", POD_RESOURCES_SOCKET]
    return PluginProcess.serving(*SPECS, directory=DIRECTORY, arguments=arguments, command=PATIENT_PLUGIN)
