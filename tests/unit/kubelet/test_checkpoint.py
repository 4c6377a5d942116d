"""The kubelet's checkpoint, as real kubelets write it, and as anything else that may lie there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from udev_device_plugin.filesystem import bounded_json
from udev_device_plugin.kubelet.checkpoint import NAME, held_ids

WRITTEN = {  # by kubelet 1.36
    "Data": {
        "PodDeviceEntries": [
            {
                "PodUID": "ba7f3b1e-0000-0000-0000-000000000000",
                "ContainerName": "main",
                "ResourceName": "squat.ai/serial",
                "DeviceIDs": {"-1": ["ttyUSB0-1a2b3c4d-0"], "1": ["ttyUSB1-1a2b3c4d-0"]},
                "AllocResp": "EkAKDC9kZXYvdHR5VVNCMA==",
            },
            {"ResourceName": "squat.ai/serial", "DeviceIDs": {"-1": ["ttyUSB2-1a2b3c4d-0"]}},
            {"ResourceName": "example.com/gpu", "DeviceIDs": {"0": ["a", "b"]}},
        ],
        "RegisteredDevices": {"squat.ai/serial": ["ttyUSB9-1a2b3c4d-0"]},
    },
    "Checksum": 1234,
}


def test_what_pods_hold_is_read_by_resource(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps(WRITTEN))
    assert (held_ids(str(tmp_path)) or {}) == {
        "squat.ai/serial": {"ttyUSB0-1a2b3c4d-0", "ttyUSB1-1a2b3c4d-0", "ttyUSB2-1a2b3c4d-0"},
        "example.com/gpu": {"a", "b"},
    }


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"Data": null}',
        '{"Data": {"PodDeviceEntries": null}}',
        '{"Data": {"PodDeviceEntries": 7}}',
        '{"Data": {"PodDeviceEntries": [7]}}',
        '{"Data": {"PodDeviceEntries": [{"ResourceName": "a/b"}]}}',
        '{"Data": {"PodDeviceEntries": [{"ResourceName": "a/b", "DeviceIDs": ["x"]}]}}',
        '{"Data": {"PodDeviceEntries": [{"ResourceName": "a/b", "DeviceIDs": {"0": 7}}]}}',
        "[" * 100_000,
        json.dumps({**WRITTEN, "more": [[]] * bounded_json.MAX_VALUES}),
        b"\xff\xfe",
    ],
)
def test_anything_else_is_done_without(tmp_path: Path, content: Any) -> None:
    (tmp_path / NAME).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert not held_ids(str(tmp_path))


def test_what_is_no_regular_file_is_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    assert not held_ids(str(tmp_path))
    os.mkfifo(tmp_path / NAME)
    assert not held_ids(str(tmp_path))
    (tmp_path / NAME).unlink()
    (tmp_path / "elsewhere").write_text(json.dumps(WRITTEN))
    (tmp_path / NAME).symlink_to("elsewhere")
    assert not held_ids(str(tmp_path))
