"""Which registrations a kubelet refuses before it dials the plugin, and with which text. Pure.

The texts are the kubelet's own (1.32 and 1.36), because people search for them.
"""

import json
import re

VERSION = "v1beta1"
_LONGEST_PREFIX = 253
_LONGEST_NAME = 63
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NAME = re.compile("[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def objection(version: str, resource: str) -> str | None:
    """Return the text that a kubelet refuses a registration with; None if it dials the plugin."""
    if version != VERSION:
        asked = json.dumps(version, ensure_ascii=False)
        return f'requested API version {asked} is not supported by kubelet. Supported version is ["{VERSION}"]'
    if not is_extended_resource_name(resource):
        return f"the ResourceName {json.dumps(resource, ensure_ascii=False)} is invalid"
    return None


def is_extended_resource_name(resource: str) -> bool:
    """Whether a plugin may serve this name: ``prefix/name``, and not one of Kubernetes' own.

    >>> is_extended_resource_name("example.com/serial")
    True
    >>> is_extended_resource_name("serial"), is_extended_resource_name("kubernetes.io/serial")
    (False, False)
    """
    if "kubernetes.io/" in resource or resource.startswith("requests."):
        return False
    prefix, slash, name = resource.partition("/")
    return bool(slash) and _is_prefix(f"requests.{prefix}") and _is_name(name)


def _is_prefix(text: str) -> bool:
    # Kubernetes checks the name that a quota would have for it, "requests." and all.
    return len(text) <= _LONGEST_PREFIX and _SUBDOMAIN.fullmatch(text) is not None


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None
