#!/usr/bin/env python3
"""Writes manifests/udev-device-plugin.yaml, the one file for `kubectl apply -f`, from manifests/base.

It is the base with its comments (kustomize would drop them), the ConfigMap that the kustomization has generated, and
the image that it names. A test compares it with what kubectl builds. `--check` writes nothing and fails if the file is
not up to date; `--image NAME` names another image, for a release. It needs Python alone.
"""

import argparse
import re
import sys
from pathlib import Path
from textwrap import indent

MANIFESTS = Path(__file__).resolve().parent.parent / "manifests"
TARGET = MANIFESTS / "udev-device-plugin.yaml"
HEADER = """\
# The udev-device-plugin with a set of common devices: kubectl apply -f udev-device-plugin.yaml
#
# Made by hack/generate_manifest.py from base/, do not edit. For your own devices, other kubelet directories,
# SELinux and monitoring see overlays/.
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: udev-device-plugin-config
  namespace: kube-system
  labels:
    app.kubernetes.io/name: udev-device-plugin
data:
  config.yaml: |
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--image", help="instead of the kustomization's, with its tag or digest")
    arguments = parser.parse_args()
    text = manifest(arguments.image or base_image())
    if not arguments.check:
        TARGET.write_text(text)
        return 0
    if TARGET.is_file() and TARGET.read_text() == text:
        return 0
    print("manifests/udev-device-plugin.yaml is not what manifests/base makes; run hack/generate_manifest.py")
    return 1


def base_image() -> str:
    """What the base's kustomization replaces the image's name with."""
    text = (MANIFESTS / "base/kustomization.yaml").read_text()
    name, tag = (_only(rf"^ +{key}: (\S+)$", text) for key in ("newName", "newTag"))
    return f"{name}:{tag}"


def manifest(image: str) -> str:
    config, text = ((MANIFESTS / "base" / name).read_text() for name in ("config.yaml", "daemonset.yaml"))
    _only(r"^ +image: (\S+)$", text)
    daemonset = re.sub(r"^( +image: )\S+$", lambda match: match[1] + image, text, flags=re.MULTILINE)
    return f"{HEADER}{CONFIG_MAP}{indent(config, '    ')}---\n{daemonset}"


def _only(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text, flags=re.MULTILINE)
    return str(found)


if __name__ == "__main__":
    sys.exit(main())
