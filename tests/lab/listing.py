"""The plugin with --list-devices, as a process that ends by itself: what it said, and how it went."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.lab.plugin import PATIENCE, PLUGIN


@dataclass(frozen=True, slots=True)
class Listed:
    """What one run said."""

    code: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()

    def resource(self, name: str) -> dict[str, Any]:
        """What its JSON says of one resource."""
        (found,) = (one for one in json.loads(self.output)["resources"] if one["name"] == f"squat.ai/{name}")
        assert isinstance(found, dict)
        return found

    def selector(self, name: str, number: int = 0) -> dict[str, Any]:
        """What its JSON says of one of a resource's selectors."""
        found = self.resource(name)["selectors"][number]
        assert isinstance(found, dict)
        return found

    def why_not(self, name: str, number: int = 0) -> dict[str, str]:
        """Why what almost matches a selector does not, by its name."""
        return {miss["name"]: miss["reason"] for miss in self.selector(name, number)["misses"]}


def list_devices(
    *specs: str, output: str = "json", directory: str = "/nowhere", environment: Mapping[str, str] | None = None
) -> Listed:
    """Run it with these specs."""
    devices = [argument for spec in specs for argument in ("--device", spec)]
    command = [*PLUGIN, "--list-devices", "--output", output, "--plugin-directory", directory, *devices]
    ended = subprocess.run(
        command,
        check=False,
        capture_output=True,
        timeout=3 * PATIENCE,  # a busy machine starts Python slowly
        env={**os.environ, **(environment or {})},
    )
    return Listed(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
