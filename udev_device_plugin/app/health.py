"""The answers of ``/healthz`` and ``/readyz``. Event loop only."""

from collections.abc import Sequence

from udev_device_plugin.app.reload import Configuration
from udev_device_plugin.controller.controller import Controller
from udev_device_plugin.host.observer import HostObserver
from udev_device_plugin.kubelet.device_plugin.plugins import Plugins


class Health:
    """Problems of the components; no problem means healthy."""

    def __init__(
        self, host: HostObserver, controller: Controller, plugins: Plugins, configuration: Configuration
    ) -> None:
        self._host = host
        self._controller = controller
        self._plugins = plugins
        self._configuration = configuration

    def alive(self) -> Sequence[str]:
        """Return why the process should be restarted."""
        return () if self._host.is_running else ("udev: the thread that listens is not running",)

    def ready(self) -> Sequence[str]:
        """Return why a resource is not served."""
        if not self._controller.has_looked.is_set():
            return ("the first complete look at the host is not done",)
        plugins = self._plugins.plugins.values()
        return [f"{plugin.resource}: {trouble}" for plugin in plugins if (trouble := plugin.trouble) is not None]

    def notes(self) -> Sequence[str]:
        """Return problems that need a person, and change neither answer."""
        faults = [f"configuration not reloaded: {fault}" for fault in self._configuration.faults]
        snapshots = self._controller.store.snapshots.values()
        too_many = [(one.devices.resource, one.devices.left_out) for one in snapshots if one.devices.left_out]
        return [
            *faults,
            *(f"{resource}: {left_out} IDs are not offered: too many match" for resource, left_out in too_many),
        ]
