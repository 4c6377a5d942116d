"""A listener to udev, for tests that look at what a lab says; plain pyudev, with patience."""

import pyudev

PATIENCE = 10.0  # seconds; only a failing test waits that long


class Ear:
    """Hears udev's events from now on."""

    def __init__(self, *subsystems: str, buffer_size: int | None = None) -> None:
        self.context = pyudev.Context()
        self.monitor = pyudev.Monitor.from_netlink(self.context, source="udev")
        for subsystem in subsystems:
            self.monitor.filter_by(subsystem)
        if buffer_size:
            self.monitor.set_receive_buffer_size(buffer_size)
        self.monitor.start()

    def next(self, patience: float = PATIENCE) -> pyudev.Device:
        """The next event."""
        device = self.monitor.poll(patience)
        assert device is not None, "no event came"
        return device

    def events(self, count: int) -> list[tuple[str, str]]:
        """Action and name of the next events."""
        return [(event.action, event.sys_name) for event in (self.next() for _ in range(count))]

    @property
    def hears_nothing(self) -> bool:
        """No event is waiting."""
        return self.monitor.poll(0) is None

    def enumerated(self, subsystem: str, **properties: str) -> list[str]:
        """The nodes that libudev finds now."""
        devices = self.context.list_devices(subsystem=subsystem, **properties)
        return sorted(device.device_node for device in devices if device.device_node)
