"""Prints the size of each layer of an image in an OCI layout: `python3 layers.py FOLDER`. Standard library alone."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

NAMES = ("Python and libraries", "dependencies", "the package")


def main(layout: Path) -> None:
    """One line for each layer, and their sum."""
    layers = manifest(layout)["layers"]
    sizes = [(unpacked_size(blob(layout, layer)), layer["size"]) for layer in layers]
    if len(layers) != len(NAMES):
        sys.exit(f"the image has {len(layers)} layers instead of {len(NAMES)}: was it built with --layers?")
    for name, (unpacked, packed) in zip((*NAMES, "in all"), (*sizes, map(sum, zip(*sizes, strict=True))), strict=True):
        print(f"  {name:22}{unpacked / 1e6:7.1f} MB, compressed {packed / 1e6:5.1f} MB")


def manifest(layout: Path) -> Any:
    """What the image consists of."""
    index = json.loads((layout / "index.json").read_text())
    return json.loads(blob(layout, index["manifests"][0]).read_bytes())


def image_configuration(layout: Path) -> Any:
    """The image's configuration for a runtime: entry point, environment, labels."""
    return json.loads(blob(layout, manifest(layout)["config"]).read_bytes())["config"]


def blob(layout: Path, descriptor: dict[str, Any]) -> Path:
    """Where a layout keeps what is described."""
    return layout / "blobs" / str(descriptor["digest"]).replace(":", "/")


def unpacked_size(archive: Path) -> int:
    """Bytes of the archive inside."""
    total = 0
    with gzip.open(archive) as stream:
        while chunk := stream.read(1 << 20):
            total += len(chunk)
    return total


if __name__ == "__main__":
    main(Path(sys.argv[1]))
