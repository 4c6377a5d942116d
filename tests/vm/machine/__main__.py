"""What the virtual machine runs: `python -m tests.vm.machine STORY…` starts the plugin, and tells these stories."""

import asyncio
import sys
from collections.abc import Collection

from tests.vm.machine.served import make_plugin


async def main(names: Collection[str]) -> None:
    plugin = make_plugin()
    await plugin.__aenter__()  # ended by who tells the stories
    # While it starts, on the other CPU: either takes seconds where CPUs are emulated.
    from tests.vm.machine.telling import tell  # noqa: PLC0415

    await tell(plugin, names)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
