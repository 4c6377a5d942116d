"""One run of the program, and its exit code.

Main thread. A permanent failure ends the run; the process exits with 1, and a DaemonSet or systemd restarts it.
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
        settings: those at the start.
        load: reads the settings again; raises ``ConfigError``.

    Returns:
        The exit code: 0 after a signal, 1 after a failure.

    Raises:
        StartError: something that the program needs is not available.
    """
    try:
        asyncio.run(_main(settings, load))
    except BaseExceptionGroup as group:
        known, unknown = group.split(UdevDevicePluginError)
        if unknown is not None:
            logger.critical("internal error: %s", _first(unknown), exc_info=unknown)
        if known is not None:
            error = _first(known)
            if isinstance(error, StartError):
                raise error from group
            logger.error("%s", error)  # noqa: TRY400 - a known error needs no traceback
        return 1
    return 0


def _first(group: BaseExceptionGroup[_E]) -> _E:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _main(settings: Settings, load: Callable[[], Settings]) -> None:
    await end_on_failure(Agent(settings, load).run())
