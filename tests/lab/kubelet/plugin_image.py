"""The plugin's image, of this checkout and this machine's Python: gathered as in the Dockerfile, without a builder."""

import glob
import os
import sys

from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.processes import FOLDER, run

NAME = "docker.io/library/udev-device-plugin:latest"
VENV = "/opt/udev-device-plugin"


def add_plugin_image(containerd: Containerd) -> None:
    """Make it of `.cache/wheels`, and give it to the node."""
    python, root = os.path.realpath(sys.executable), f"{FOLDER}/image"
    run([python, "-m", "venv", "--without-pip", VENV])
    wheels = glob.glob(".cache/wheels/*.whl")
    pip = [sys.executable, "-m", "pip", "--python", f"{VENV}/bin/python", "install"]
    run([*pip, "--quiet", "--no-compile", "--no-deps", "--no-index", *wheels])
    run([python, "hack/image/gather.py", VENV, "udev_device_plugin", root])
    layers = [(f"{root}/{layer}", "") for layer in ("python", "dependencies", "package")]
    environment = [f"PATH={VENV}/bin", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "LANG=C.UTF-8"]
    containerd.add_image(NAME, layers, [f"{VENV}/bin/udev-device-plugin"], environment)
