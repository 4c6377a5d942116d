"""What the documents say of the program is so: names, defaults, keys, metrics, words of the log, layers of tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.documents import DOCUMENTS, FOR_USERS, ROOT, blocks, inline_code, name, prose, rows
from tests.lab.help import help_text
from udev_device_plugin.config.entries.hid import HID_KEYS
from udev_device_plugin.config.entries.paths import PATH_KEYS
from udev_device_plugin.config.entries.usb import USB_KEYS
from udev_device_plugin.config.options import SETTINGS
from udev_device_plugin.config.specs import PathSpec
from udev_device_plugin.selectors.paths.glob import Glob
from udev_device_plugin.selectors.paths.selector import PathSelector
from udev_device_plugin.selectors.udev_rule.terms import KEYS as RULE_KEYS
from udev_device_plugin.telemetry.metrics import Metrics

README, CONFIGURATION = ROOT / "README.md", ROOT / "docs/configuration.md"
OWN_FLAGS = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", help_text()))
OF_OTHERS = {
    "--root-dir",  # the kubelet's
    *("--namespace", "--selector", "--prefix", "--stdin", "--tty"),  # kubectl's
    *("--build-arg", "--tag", "--name"),  # docker's, udevadm's
    *("--values", "--set"),  # helm's
}

every_document = pytest.mark.parametrize("document", FOR_USERS, ids=map(name, FOR_USERS))


def _without_help(document: Path) -> str:
    return re.sub(r"<!-- help -->.*?<!-- /help -->", "", document.read_text(), flags=re.DOTALL)


def _flags_of_scripts() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "hack").iterdir() if path.is_file()]
    return {flag for text in texts for flag in re.findall(r"--[a-z][a-z-]*[a-z]", text)}


@every_document
def test_flags_exist(document: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", _without_help(document)))
    assert named - OWN_FLAGS - OF_OTHERS - _flags_of_scripts() == set()


@every_document
def test_environment_variables_exist(document: Path) -> None:
    named, known = (
        re.findall(r"UDEV_DEVICE_PLUGIN_[A-Z_]*[A-Z]", text) for text in (_without_help(document), help_text())
    )
    assert set(named) <= set(known)


def test_the_table_of_flags_has_them_all_with_their_defaults() -> None:
    table = {
        flag: default for flags, default, _ in rows(CONFIGURATION, "flag") for flag in re.findall(r"--[\w-]+", flags)
    }
    assert set(table) | {"--help", "--version"} == OWN_FLAGS
    assert {option.flag: f"`{option.default}`" for option in SETTINGS} == {o.flag: table[o.flag] for o in SETTINGS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=map(name, DOCUMENTS))
def test_a_default_that_is_mentioned_is_the_default(document: Path) -> None:
    defaults = {option.flag: option.default for option in SETTINGS}
    for flag, said in re.findall(r"`(--[\w-]+)` \(`([^`]+)`\)", prose(document)):
        assert said == defaults[flag]


def test_the_table_of_a_paths_keys_has_them_all_with_their_defaults() -> None:
    table = {key: default for key, default, _ in rows(CONFIGURATION, "key of a path")}
    assert set(table) == {f"`{key}`" for key in PATH_KEYS}
    plain = PathSpec(PathSelector(Glob.of("/dev/null")))
    assert plain.mount_path is None
    assert {key: table[f"`{key}`"] for key in ("permissions", "limit", "readOnly", "optional", "type")} == {
        "permissions": f"`{plain.permissions}`",
        "limit": f"`{plain.limit}`",
        "readOnly": f"`{str(plain.read_only).lower()}`",
        "optional": f"`{str(plain.optional).lower()}`",
        "type": f"`{plain.type.value}`",
    }


@pytest.mark.parametrize(("table", "known"), [("key of a stick", USB_KEYS), ("key of a HID interface", HID_KEYS)])
def test_the_table_of_the_keys_of_a_kind_has_them_all(table: str, known: tuple[str, ...]) -> None:
    keys = [key for cell, *_ in rows(CONFIGURATION, table) for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(known)


def test_the_table_of_a_rules_keys_has_them_all() -> None:
    keys = [key for cell, _ in rows(CONFIGURATION, "keys") for key in re.findall(r"`([A-Z]+)", cell)]
    assert sorted(keys) == sorted(RULE_KEYS)


def _metrics() -> dict[str, tuple[str, ...]]:
    """Name and labels of all metrics but the process's own."""
    metrics = Metrics()
    metrics.read_from(lambda: [("squat.ai/a", 2, 1, 0)], lambda: [("squat.ai/a", True)])
    metrics.count_uevent("add")
    for counter in (metrics.allocations, metrics.restarts):
        counter.labels("squat.ai/a")
    metrics.registrations.labels("squat.ai/a", "accepted")
    metrics.rescans.labels("udev")
    metrics.reloads.labels("success")
    metrics.http_dropped.labels("limit")
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    names = {re.sub(r"_(bucket|sum|count)$", "", s.name): tuple(k for k in s.labels if k != "le") for s in samples}
    return {key: labels for key, labels in names.items() if "device_plugin" in key and not key.endswith("_created")}


def test_the_table_of_metrics_has_them_all_with_their_labels() -> None:
    table = {}
    for cell, _ in rows(README, "metric"):
        match = re.fullmatch(r"`(\w+)(?:\{([\w,]+)\})?`", cell)
        assert match, cell
        table[match[1]] = tuple((match[2] or "").split(",")) if match[2] else ()
    assert table == _metrics()


@every_document
def test_metrics_that_are_named_exist(document: Path) -> None:
    named = set(re.findall(r"\b(?:generic|udev)_device_plugin_[a-z_]*[a-z]", prose(document)))
    assert named <= set(_metrics())


def _said_by_the_program() -> Iterator[str]:
    """All texts in its source; what stands in braces there may be anything."""
    for path in (ROOT / "udev_device_plugin").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value.replace("%s", "…")


def test_the_log_says_what_troubleshooting_quotes() -> None:
    texts = [*_said_by_the_program()]
    quotes = [cell.strip("`") for cell, *_ in rows(ROOT / "docs/troubleshooting.md", "log")]
    assert len(quotes) >= 10
    known = [quote.replace("/run/udev/control", "…") for quote in quotes]
    assert not [quote for quote in known if not any(quote in text for text in texts)]


def test_what_a_waiting_pod_says_is_quoted_to_the_letter() -> None:
    quoted = "device … is unplugged since …; the container starts when it is plugged in again"
    assert quoted in inline_code(ROOT / "docs/identity.md")
    assert any(re.search(r"device … is unplugged since …", text) for text in _said_by_the_program())


def test_the_layers_of_tests_are_told_of() -> None:
    tests = (path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py"))
    layers = {path.parts[0] for path in tests}
    table = {cell.strip("`") for cell, *_ in rows(ROOT / "CONTRIBUTING.md", "layer")}
    assert table == {f"tests/{layer}" for layer in layers}


def test_hack_and_the_tests_share_what_is_in_the_lab_and_import_it_one_way() -> None:
    def imports(folder: str, pattern: str) -> list[str]:
        line = re.compile(rf"^\s*(?:from|import) {pattern}\b", re.MULTILINE)
        return [str(path) for path in (ROOT / folder).rglob("*.py") if line.search(path.read_text())]

    assert imports("tests", "hack") == []
    assert imports("hack", r"tests(?!\.lab\b)") == []
    assert imports("hack", r"tests\.lab") != []


def test_the_size_of_the_image_adds_up() -> None:
    table = [[float(size.split()[0]) for size in sizes] for _, *sizes in rows(ROOT / "docs/image.md", "layer")]
    *layers, total = table
    for sizes, whole in zip(zip(*layers, strict=True), total, strict=True):
        assert sum(sizes) == pytest.approx(whole, abs=0.15)


def test_no_block_of_code_is_of_an_unknown_kind() -> None:
    kinds = {block.kind for document in DOCUMENTS for block in blocks(document)}
    assert kinds <= {"sh", "yaml", "yaml refused", "text", ""}
