"""Writes what the Helm chart has of other files: `.venv/bin/python -m hack.generate_chart`.

- `values.schema.json`: of each value what `values.yaml` shows, with its comment; of `devices` and `settings` the
  configuration file's own schema, since the program reads them.
- `README.md`: its tables, of the values with their comments (`# -- …`, as helm-docs has them) and of the settings.
- `files/`: alerts and dashboard, of the kustomize component; the settings that take effect at a start only.

`--check` writes nothing and fails if a file is not up to date.
"""

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack.generate_schema import Schema, schema as schema_of_file
from udev_device_plugin.app.reload import FIXED
from udev_device_plugin.config.config_file import DEVICE_KEYS

MANIFESTS = Path(__file__).resolve().parent.parent / "manifests"
CHART = MANIFESTS / "helm/udev-device-plugin"
MONITORING = MANIFESTS / "components/monitoring"

VALUES_OF_THEIR_OWN = ("listen", "plugin-directory", "pod-resources-socket")
"""Settings on which more depends than the program: ports, probes, volumes."""

WANTED = {
    "devices",
    "settings",
    "listen",
    "hostNetwork",
    "kubelet.pluginDirectory",
    "kubelet.podResourcesDirectory",
    "image.repository",
}
"""What the templates cannot do without; null would take it away."""

OBJECTS: Schema = {"items": {"type": "object"}}
TEXTS: Schema = {"additionalProperties": {"type": "string"}}
PATH: Schema = {"pattern": "^/(.*[^/])?$"}
NARROWER: dict[str, Schema] = {
    "listen": {"pattern": r"^((\[[0-9a-fA-F:.]+\]|[^:\[\]]*):[0-9]{1,5})?$"},
    "kubelet.pluginDirectory": PATH,
    "kubelet.podResourcesDirectory": PATH,
    "image.repository": {"minLength": 1},
    "image.digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    **dict.fromkeys(("imagePullSecrets", "tolerations", "extraVolumes", "extraVolumeMounts"), OBJECTS),
    **dict.fromkeys(("nodeSelector", "podLabels", "podAnnotations", "serviceAccount.annotations"), TEXTS),
    **{f"{name}.labels": TEXTS for name in ("podMonitor", "serviceMonitor", "alerts", "dashboard")},
}
"""What the type of a value does not say."""


BAR = "\\|"
"""In a cell of a table."""


@dataclass(frozen=True)
class Value:
    """A value of the chart: where it is, its default, and what its comment says."""

    name: str
    default: Any
    meaning: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    texts = files()
    if not check:
        for path, text in texts.items():
            path.write_text(text)
        return 0
    stale = [path for path, text in texts.items() if not path.is_file() or path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(MANIFESTS.parent)} is not up to date; run .venv/bin/python -m hack.generate_chart")
    return 1 if stale else 0


def files() -> dict[Path, str]:
    """All that is made here."""
    documented = list(values())
    at_start = [
        camel_case(name.replace("_", "-")) for name in FIXED if name.replace("_", "-") not in VALUES_OF_THEIR_OWN
    ]
    return {
        CHART / "values.schema.json": json.dumps(values_schema(documented), indent=2) + "\n",
        CHART / "README.md": readme(documented),
        CHART / "files/alerts.yaml": alerts(),
        CHART / "files/udev-device-plugin.json": (MONITORING / "udev-device-plugin.json").read_text(),
        CHART / "files/settings-at-start.json": json.dumps(at_start) + "\n",
    }


def values() -> Iterator[Value]:
    """All of `values.yaml`, in its order; ends the script at one without a comment."""
    text = (CHART / "values.yaml").read_text()
    node = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    yield from _values(node, text.splitlines(), "")


def _values(node: yaml.MappingNode, lines: list[str], prefix: str) -> Iterator[Value]:
    for key, value in node.value:
        name = prefix + key.value
        meaning = comment_above(lines, key.start_mark.line)
        if meaning:
            yield Value(name, yaml.SafeLoader("").construct_object(value, deep=True), meaning)
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _values(value, lines, f"{name}.")
        else:
            sys.exit(f"values.yaml: {name} has no comment that begins with # --")


def comment_above(lines: list[str], number: int) -> str:
    """The text of a comment that begins with `# --` and ends above this line; empty if there is none."""
    found: list[str] = []
    for line in reversed(lines[:number]):
        text = line.strip()
        if not text.startswith("#"):
            break
        found.insert(0, text.removeprefix("#").strip())
        if found[0].startswith("-- "):
            return " ".join(found).removeprefix("-- ")
    return ""


def values_schema(documented: list[Value]) -> Schema:
    """Of the chart's values."""
    file = only_texts(schema_of_file())
    root = mapping()
    for value in documented:
        of_value = {"description": value.meaning, **type_of(value.default), **NARROWER.get(value.name, {})}
        if value.name == "devices":
            of_value |= {"minItems": 1, "items": {"$ref": "#/$defs/spec"}}
        elif value.name == "settings":
            of_value |= {"properties": settings(file), "additionalProperties": False}
        *path, name = value.name.split(".")
        at = root
        for part in path:
            if part not in at["properties"]:
                at["properties"][part] = mapping()
                at["required"].append(part)
            at = at["properties"][part]
        at["properties"][name] = of_value
        if value.name in WANTED:
            at["required"].append(name)
    root["properties"]["global"] = {"description": "What Helm hands to every chart; not used here.", "type": "object"}
    return {
        "$schema": file["$schema"],
        "title": "Values of the udev-device-plugin's chart",
        **root,
        "$defs": file["$defs"],
    }


def mapping() -> Schema:
    """Of a mapping whose keys are still to come."""
    return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def only_texts(schema: Any) -> Any:
    """The same schema; but what is read as a text must be one: Helm parses before it, and 0403 would be 259 by then."""
    if isinstance(schema, list):
        return [only_texts(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    narrower = dict(schema)
    types, choices = schema.get("type"), schema.get("enum", [])
    if isinstance(types, list) and {"string", "number"} <= {*types}:
        narrower["type"] = [name for name in types if name not in ("number", "boolean")]
        narrower.pop("minimum", None)
    if any(isinstance(choice, str) for choice in choices):
        narrower["enum"] = [choice for choice in choices if not isinstance(choice, bool)]
    return {key: only_texts(value) for key, value in narrower.items()}


def settings(file: Schema) -> Schema:
    """Of all keys of the configuration file but the devices and those that are values of the chart."""
    # 0 is the one number of which Helm leaves no doubt how it was written.
    zero: Schema = {"type": ["string", "integer", "null"], "minimum": 0, "maximum": 0}
    return {
        camel_case(name): {**value, **zero} if value.get("type") == ["string", "null"] else value
        for name, value in file["properties"].items()
        if name not in (*DEVICE_KEYS, *VALUES_OF_THEIR_OWN)
    }


def type_of(default: Any) -> Schema:
    names = {bool: "boolean", int: "integer", str: "string", dict: "object", list: "array"}
    return {"type": names[type(default)]}


def camel_case(name: str) -> str:
    return re.sub("-(.)", lambda match: match[1].upper(), name)


def alerts() -> str:
    """The groups of the component's rules, with their comments."""
    _, _, groups = (MONITORING / "prometheusrule.yaml").read_text().partition("\nspec:\n")
    return textwrap.dedent(groups)


def readme(documented: list[Value]) -> str:
    """The chart's README, its tables made anew."""
    known = settings(only_texts(schema_of_file()))
    tables = {
        "value": [(value.name, shown(value.default), value.meaning) for value in documented],
        "setting": [(name, f"`{of_it['default']}`", of_it["description"]) for name, of_it in known.items()],
    }
    text = (CHART / "README.md").read_text()
    for heading, rows in tables.items():
        cells = (f"| `{name}` | {default} | {meaning.replace('|', BAR)} |\n" for name, default, meaning in rows)
        head = f"| {heading} | default | meaning |\n|---|---|---|\n"
        before, found, after = text.partition(head)
        if not found:
            sys.exit(f"README.md of the chart: there is no table | {heading} | default | meaning |")
        text = before + head + "".join(cells) + re.sub(r"\A(\|.*\n)*", "", after)
    return text


def shown(default: Any) -> str:
    """A default in a cell of a table; a long one is only to be found in the file."""
    text = json.dumps(default)
    return f"`{text}`" if len(text) <= 60 else "see [values.yaml](values.yaml)"


if __name__ == "__main__":
    sys.exit(main())
