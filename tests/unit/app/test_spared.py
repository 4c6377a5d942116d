"""What is kept out of the program's process, and that nobody misses it; each in a process of its own."""

import subprocess
import sys

IMPORT_ALL = """
import sys
from udev_device_plugin import spared
from udev_device_plugin.app import cli
spared.let_go("configargparse", "argparse")
spared.keep_out()
import udev_device_plugin.app.agent
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
        "http.server",
        "email.message",
        "google.protobuf.internal.python_message",
        "typing_extensions",
        "argparse",
        "platform",
    )
    assert run(f"print([name for name in {spared} if name in sys.modules])") == "[]"


def test_nor_is_what_nobody_needs_for_answering_over_http() -> None:
    code = "spared.keep_out_of_web(); import udev_device_plugin.reporting.http.server; "
    left = "[name for name in ('ssl', '_ssl', 'html.entities', 'urllib.request') if name in sys.modules]"
    assert run(f"{code}print({left}, 'http.server' in sys.modules)") == "[] True"


def test_who_asks_for_it_later_gets_the_real_thing() -> None:
    assert run("import urllib.request, html.entities; print(html.entities.html5['amp;'])") == "&"
    assert run("import typing_extensions; print(typing_extensions.__name__)") == "typing_extensions"


def test_messages_metrics_and_the_command_line_work_without_it() -> None:
    code = """
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2
one = api_pb2.ListAndWatchResponse(devices=[api_pb2.Device(ID="a", health="Healthy")])
assert api_pb2.ListAndWatchResponse.FromString(one.SerializeToString()) == one
assert "Healthy" in str(one)
from prometheus_client import CollectorRegistry, generate_latest
from udev_device_plugin.telemetry.metrics import Metrics
metrics = Metrics()
metrics.count_uevent("add")
assert b'udev_device_plugin_uevents_total{action="add"} 1.0' in generate_latest(metrics.registry)
from udev_device_plugin.config import reading
settings = reading.load(["--device", '{"type": "serial", "paths": ["/dev/ttyUSB*"]}'], {}, default_files=())
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


def test_what_reads_the_configuration_is_let_go_and_comes_back_for_a_reload() -> None:
    code = """
from functools import partial
from udev_device_plugin import spared
from udev_device_plugin.app import cli
spared.keep_out_of_reading()
argv = ["--device", '{"type": "serial", "paths": ["/dev/ttyUSB*"]}']
settings = cli._read(argv, {})[1]
spared.let_go(*cli._FOR_READING)
import gc, types
def left():
    names = {one.__name__ for one in gc.get_objects() if isinstance(one, types.ModuleType)} | sys.modules.keys()
    return [name for name in names if name.startswith(("yaml", "udev_device_plugin.config.reading", "argparse"))]
assert left() == [], left()
assert cli._load(argv, {}, None) == settings
assert left() == [], left()
print(settings.resources[0].resource)
"""
    assert run(code) == "squat.ai/serial"
