"""Hears the host. Sources turn what they see into observations and hand them to a sink; they decide nothing.

Floor 4. Knows nothing of the kubelet. A source's law: its first word is a resync (a complete look), it repairs itself
when it can, and raises ``SourceError`` when it cannot.
"""

from collections.abc import Callable, Sequence

from udev_device_plugin.observations import Observation

Sink = Callable[[Sequence[Observation], float], None]
"""Takes observations in on the main loop, and when the first of them was received (monotonic seconds)."""

UDEV_CONTROL = "/run/udev/control"
"""udevd's control socket: (re)made when udevd starts, and libudev's own sign that there is a udevd."""
