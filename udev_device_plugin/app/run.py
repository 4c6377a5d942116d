"""One run of the program, and the exit code that it ends with.

Main thread. Whatever fails for good ends the run; the process exits with 1, and whoever started it (a DaemonSet,
systemd) starts it again.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from udev_device_plugin.app.agent import Agent
from udev_device_plugin.app.loop_failure import end_on_failure
from udev_device_plugin.config.settings import Settings
from udev_device_plugin.errors import StartError, UdevDevicePluginError

_E = TypeVar("_E", bound=BaseException)

logger = logging.getLogger(__name__)


def run(settings: Settings, load: Callable[[], Settings]) -> int:
    """Run until SIGTERM or SIGINT.

    Args:
        settings: what to begin with.
        load: reads the settings anew; ``ConfigError`` if they cannot be used.

    Returns:
        The exit code: 0 after a signal, 1 if a part broke down for good.

    Raises:
        StartError: something that the program needs is not to be had.
    """
    try:
        asyncio.run(_main(settings, load))
    except BaseExceptionGroup as group:
        return _judge(group)
    return 0


def _judge(group: BaseExceptionGroup[BaseException]) -> int:
    """What to tell of the errors that ended a run; returns the exit code."""
    known, unknown = group.split(UdevDevicePluginError)
    if unknown is not None:
        logger.critical("internal error: %s", _first(unknown), exc_info=unknown)
    if known is not None:
        error = _first(known)
        if isinstance(error, StartError):
            raise error from group
        logger.error("%s", error)
    return 1


def _first(group: BaseExceptionGroup[_E]) -> _E:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _main(settings: Settings, load: Callable[[], Settings]) -> None:
    await end_on_failure(Agent(settings, load).run())
