"""What the embedded kubelet shows: frozen records of resources, devices and allocations, and its two errors.

Values only; ``testing.client`` makes them from what plugins send.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from udev_device_plugin.errors import UdevDevicePluginError

HEALTHY = "Healthy"
UNHEALTHY = "Unhealthy"
_SHOWN_DEVICES = 10


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device as its plugin listed it last; Unhealthy once the stream has ended."""

    id: str
    health: str
    numa_nodes: tuple[int, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Whether it is allocatable; any other text than ``Healthy`` means that it is not."""
        return self.health == HEALTHY


@dataclass(frozen=True, slots=True)
class ResourceView:
    """One resource as the kubelet sees it. All counts begin at 0 when the kubelet starts.

    Attributes:
        name: ``example.com/serial``.
        devices: of the newest list, in its order, each ID once.
        connected: its plugin is registered, and the kubelet has not dropped it.
        endpoint: file name of the socket that was registered last.
        attempts: how many registrations were asked for.
        registrations: how many of them succeeded.
        lists: how many messages came over ``ListAndWatch``.
        allocated: the IDs that containers hold, sorted; kept over a restart, as by the kubelet's checkpoint.
    """

    name: str
    devices: tuple[DeviceView, ...] = ()
    connected: bool = False
    endpoint: str = ""
    attempts: int = 0
    registrations: int = 0
    lists: int = 0
    allocated: tuple[str, ...] = ()

    @property
    def capacity(self) -> int:
        """How many devices there are."""
        return len(self.devices)

    @property
    def healthy(self) -> tuple[str, ...]:
        """IDs of the healthy devices."""
        return tuple(device.id for device in self.devices if device.is_healthy)

    @property
    def allocatable(self) -> int:
        """How many devices are healthy, held by a container or not."""
        return len(self.healthy)

    def __str__(self) -> str:
        shown = ", ".join(f"{device.id} {device.health}" for device in self.devices[:_SHOWN_DEVICES])
        more = ", …" if self.capacity > _SHOWN_DEVICES else ""
        return (
            f"{self.name}: {'connected' if self.connected else 'not connected'}, capacity {self.capacity}, "
            f"allocatable {self.allocatable} [{shown}{more}], "
            f"{self.registrations} of {self.attempts} registrations, {self.lists} lists"
        )


@dataclass(frozen=True, slots=True)
class ListReceived:
    """One message of a ``ListAndWatch``; ``time`` is ``time.monotonic()`` at its arrival."""

    resource: str
    time: float
    devices: tuple[DeviceView, ...]


@dataclass(frozen=True, slots=True)
class Mount:
    """A path of the host, to be bind-mounted."""

    container_path: str
    host_path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A device node of the host, to be made in the container."""

    container_path: str
    host_path: str
    permissions: str


@dataclass(frozen=True, slots=True)
class ContainerResponse:
    """What a plugin answered for one container."""

    envs: Mapping[str, str]
    mounts: tuple[Mount, ...]
    devices: tuple[DeviceSpec, ...]
    annotations: Mapping[str, str]
    cdi_devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Container:
    """A container, by its own name, its pod's and the pod's namespace."""

    namespace: str
    pod: str
    name: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """Devices that a container holds, in the order of the request, and what their plugin answered."""

    resource: str
    ids: tuple[str, ...]
    response: ContainerResponse
    container: Container


class AdmissionError(UdevDevicePluginError):
    """A pod that fails for good; the text is the plugin's own if the plugin refused, else the kubelet's."""


class ContainerStartError(UdevDevicePluginError):
    """A container that must wait: ``PreStartContainer`` failed with this text. A real kubelet tries again."""

    def __init__(self, text: str, allocation: Allocation) -> None:
        self.allocation = allocation
        super().__init__(text)
