"""The plugin, as ever, that says how many tasks and threads it has when it gets SIGUSR1.

`python -m tests.lab.chaos.confiding`
"""

import asyncio
import gc
import json
import signal
import sys
import threading

MESSAGE = "tasks"


def confide(*_: object) -> None:
    """In the main thread, whose loop runs: said by the loop, between two of its callbacks."""
    loop = asyncio.get_running_loop()
    loop.call_soon_threadsafe(_say, loop)


def _say(loop: asyncio.AbstractEventLoop) -> None:
    gc.collect()  # a cancelled call of gRPC's is a cycle that holds its connection: garbage, and no leak
    names = sorted(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks(loop))
    sys.stdout.write(
        json.dumps({"msg": MESSAGE, "tasks": len(names), "names": names, "threads": threading.active_count()}) + "\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, confide)
    from udev_device_plugin.app.cli import main

    sys.exit(main())
