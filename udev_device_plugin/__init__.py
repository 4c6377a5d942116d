"""A Kubernetes device plugin for generic Linux devices, driven by udev events."""

try:
    from udev_device_plugin._version import __version__  # written when the package is built or installed
except ImportError:  # neither built nor installed
    __version__ = "0.1.dev0"

__all__ = ["__version__"]
