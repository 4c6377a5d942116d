"""Images without a registry and without a builder: one layer, as an OCI layout in a tar file."""

import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Iterable, Sequence
from typing import Any

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}
OCI = "application/vnd.oci.image"


def write_image(
    archive: str,
    name: str,
    trees: Iterable[tuple[str, str]],
    entrypoint: Sequence[str],
    environment: Sequence[str],
) -> None:
    """Write an image of these files and folders, each (on this machine, in the image); the later one wins."""
    layer = _layer(trees)
    configuration = _json(
        architecture=ARCHITECTURE[platform.machine()],
        os="linux",
        config={"Entrypoint": list(entrypoint), "Env": list(environment)},
        rootfs={"type": "layers", "diff_ids": [_digest(layer)]},
    )
    manifest = _json(
        schemaVersion=2,
        mediaType=f"{OCI}.manifest.v1+json",
        config=_descriptor(f"{OCI}.config.v1+json", configuration),
        layers=[_descriptor(f"{OCI}.layer.v1.tar", layer)],
    )
    named = {**_descriptor(f"{OCI}.manifest.v1+json", manifest), "annotations": {"io.containerd.image.name": name}}
    with tarfile.open(archive, "w") as tar:
        _add(tar, "oci-layout", _json(imageLayoutVersion="1.0.0"))
        _add(tar, "index.json", _json(schemaVersion=2, manifests=[named]))
        for blob in (layer, configuration, manifest):
            _add(tar, f"blobs/{_digest(blob).replace(':', '/')}", blob)


def _layer(trees: Iterable[tuple[str, str]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for source, place in trees:
            if place:
                tar.add(source, place)
            else:  # a whole root
                for name in sorted(os.listdir(source)):
                    tar.add(f"{source}/{name}", name)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()
