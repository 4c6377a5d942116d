"""Looks at the whole host once, for ``--list-devices``.

Main thread. Devices are decided by the plugin's own code, so the listing is what would be offered. Nothing is created
or written: no link, no socket, nothing in the plugin directory. So it may run beside a plugin.
"""

from udev_device_plugin.config.settings import Settings
from udev_device_plugin.controller.identity_record import IdentityRecord
from udev_device_plugin.errors import SourceError
from udev_device_plugin.filesystem.own_directory import OwnDirectory
from udev_device_plugin.host.interest import Interest
from udev_device_plugin.host.inventory import Inventory
from udev_device_plugin.host.looks import NotLookedError
from udev_device_plugin.host.single_scan import look_at_everything
from udev_device_plugin.host.udev.device import all_devices
from udev_device_plugin.reporting.list_devices.explain import explain
from udev_device_plugin.reporting.list_devices.model import Host, Listing
from udev_device_plugin.selectors.udev_rule.near_misses import compare


def look(settings: Settings) -> Listing:
    """Return what ``settings`` select on this host now.

    Raises:
        SourceError: the host cannot be looked at.
    """
    interest = Interest.of(settings.resources)
    inventory = Inventory(interest.selectors)
    try:
        seen, dead_links = look_at_everything(interest)
    except (OSError, NotLookedError) as error:
        raise SourceError(f"the host cannot be looked at: {error}: is libudev there, and /sys mounted?") from error
    inventory.replace(seen)
    own_directory = OwnDirectory(settings.plugin_directory)
    return explain(
        settings.resources,
        Host(inventory, dead_links, compare(interest.rules, all_devices)),
        own_directory.path,
        [str(warning) for warning in settings.warnings],
        IdentityRecord(own_directory).recall,
    )
