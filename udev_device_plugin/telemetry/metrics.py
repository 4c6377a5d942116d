"""Metrics: the origin's three under their own names, and ours.

Any thread may increment counters; gauges are read from the snapshots at each scrape.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from udev_device_plugin import __version__

_ACTIONS = frozenset({"add", "remove", "change", "move", "online", "offline", "bind", "unbind"})
"""The kernel's actions (lib/kobject_uevent.c); all others count as ``other``: a sender must not choose label values."""

_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """All metrics of one run, in a registry of their own, which ``/metrics`` shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._devices: Callable[[], Iterable[tuple[str, int, int, int]]] = tuple
        self._connected: Callable[[], Iterable[tuple[str, bool]]] = tuple
        self.allocations = self._counter(
            "generic_device_plugin_allocations", "Containers that were given devices.", "resource"
        )
        self.restarts = self._counter(
            "generic_device_plugin_restarts", "How often a registration with the kubelet ended.", "resource"
        )
        self._uevents = self._counter("udev_device_plugin_uevents", "Events received from udev.", "action")
        self.overflows = self._counter(
            "udev_device_plugin_overflows", "How often udev's events came faster than they could be read."
        )
        self.rescans = self._counter(
            "udev_device_plugin_rescans", "Complete looks at the host, the first included.", "source"
        )
        self.registrations = self._counter(
            "udev_device_plugin_registrations", "Attempts to register with the kubelet.", "resource", "result"
        )
        self.reloads = self._counter(
            "udev_device_plugin_config_reloads", "Attempts to reload the configuration.", "result"
        )
        self.http_dropped = self._counter(
            "udev_device_plugin_http_connections_dropped", "Connections that were closed without an answer.", "reason"
        )
        self.latency = Histogram(
            "udev_device_plugin_uevent_to_list_seconds",
            "From the receipt of an event to the hand-over of the list that it led to.",
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def read_from(
        self,
        devices: Callable[[], Iterable[tuple[str, int, int, int]]],
        connected: Callable[[], Iterable[tuple[str, bool]]],
    ) -> None:
        """Set the sources of the gauges.

        Args:
            devices: each resource, how many devices are listed, how many of them are Healthy, how many are not offered.
            connected: each resource, and whether the kubelet reads its ListAndWatch stream.
        """
        self._devices = devices
        self._connected = connected

    def count_uevent(self, action: str) -> None:
        """Count one event of udev by its action."""
        self._uevents.labels(action if action in _ACTIONS else "other").inc()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics that are read at each scrape (prometheus-client's ``Collector`` protocol)."""
        origin = GaugeMetricFamily(
            "generic_device_plugin_devices", "Healthy devices, replicas included.", labels=["resource"]
        )
        ours = GaugeMetricFamily(
            "udev_device_plugin_devices",
            "Listed devices by health, replicas included.",
            labels=["resource", "health"],
        )
        left_out = GaugeMetricFamily(
            "udev_device_plugin_devices_left_out",
            "Devices that are not offered because there are too many, replicas included.",
            labels=["resource"],
        )
        for resource, listed, healthy, not_offered in self._devices():
            origin.add_metric([resource], healthy)
            ours.add_metric([resource, "Healthy"], healthy)
            ours.add_metric([resource, "Unhealthy"], listed - healthy)
            left_out.add_metric([resource], not_offered)
        connected = GaugeMetricFamily(
            "udev_device_plugin_kubelet_connected",
            "1 while the kubelet listens to the resource.",
            labels=["resource"],
        )
        for resource, is_connected in self._connected():
            connected.add_metric([resource], is_connected)
        build = InfoMetricFamily("udev_device_plugin_build", "What runs.", value={"version": __version__})
        return (origin, ours, left_out, connected, build)
