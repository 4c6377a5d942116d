"""Who may see the status: devices with their serial numbers, and the pods that hold them. Pure."""

from ipaddress import IPv6Address, ip_address

from udev_device_plugin.config.faults import quoted
from udev_device_plugin.config.settings import StatusAccess


def refusal(access: StatusAccess, peer: str, host: str) -> str | None:
    """Return why a client is not shown the status; None if it is.

    Args:
        access: as configured.
        peer: the client's IP address.
        host: the request's header; "" for none.
    """
    if access is StatusAccess.ANY:
        return None
    if access is StatusAccess.OFF:
        return "--status: off: devices and pods are shown to nobody: start the plugin with --status=local"
    if not _is_loopback(peer):
        return (
            "--status: local: devices and pods are shown on the node only: use kubectl port-forward, ask localhost on"
            " the node, or start the plugin with --status=any"
        )
    if not _is_ours(host):
        # In a browser on this machine, a foreign page can have its own name lead here (DNS rebinding), and would be
        # shown the answer. An address and localhost are nobody's names.
        return f"Host: {quoted(host)}: neither localhost nor an IP address: ask by one of them"
    return None


def _is_loopback(peer: str) -> bool:
    address = ip_address(peer)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:  # on a socket for both
        address = address.ipv4_mapped
    return address.is_loopback


def _is_ours(host: str) -> bool:
    if not host:  # HTTP/1.0, or no browser
        return True
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    name = name.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
