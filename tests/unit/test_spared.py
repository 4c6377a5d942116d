"""What is kept out of the program's process, and that nobody misses it; each in a process of its own."""

import subprocess
import sys

IMPORT_ALL = """
import sys
from udev_device_plugin import cli, spared
spared.let_go("configargparse", "argparse")
spared.keep_out()
import udev_device_plugin.agent
"""


def run(code: str) -> str:
    """What the code prints, after the program's own imports."""
    command = (sys.executable, "-W", "error", "-c", IMPORT_ALL + code)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_what_nobody_needs_is_not_there() -> None:
    spared = (
        "ssl",
        "_ssl",
        "wsgiref.simple_server",
        "urllib.request",
        "html.entities",
        "google.protobuf.internal.python_message",
        "typing_extensions",
        "argparse",
    )
    assert run(f"print([name for name in {spared} if name in sys.modules])") == "[]"


def test_who_asks_for_it_later_gets_the_real_thing() -> None:
    assert run("import urllib.request, html.entities; print(html.entities.html5['amp;'])") == "&"
    assert run("import typing_extensions; print(typing_extensions.__name__)") == "typing_extensions"


def test_messages_metrics_and_the_command_line_work_without_it() -> None:
    code = """
from udev_device_plugin.kubelet.v1beta1 import api_pb2
one = api_pb2.ListAndWatchResponse(devices=[api_pb2.Device(ID="a", health="Healthy")])
assert api_pb2.ListAndWatchResponse.FromString(one.SerializeToString()) == one
assert "Healthy" in str(one)
from prometheus_client import CollectorRegistry, generate_latest
from udev_device_plugin.metrics import Metrics
metrics = Metrics()
metrics.count_uevent("add")
assert b'udev_device_plugin_uevents_total{action="add"} 1.0' in generate_latest(metrics.registry)
settings = cli.load(["--device", '{"type": "serial", "paths": ["/dev/ttyUSB*"]}'], {}, default_files=())
print(settings.resources[0].resource)
"""
    assert run(code) == "squat.ai/serial"


def test_nothing_is_kept_out_where_it_is_loaded_already() -> None:
    code = """
import ssl
from udev_device_plugin import spared
spared.keep_out()
import hashlib, prometheus_client
print(hashlib._hashlib.__name__, prometheus_client.exposition.ssl is ssl)
"""
    command = (sys.executable, "-c", code)
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "_hashlib True"
