"""A program: what the plugin's packages cost by themselves. `python -m hack.benchmarks.floor SOCKET`.

It imports what the plugin imports from others, in the same way, and runs one gRPC server without any service. Less is
not to be had with these packages.
"""

# ruff: noqa: F401 - to be there is all that these are for
import asyncio
import json
import logging
import sys

import configargparse
import grpc
import inotify_simple
import prometheus_client
import pyudev
import tenacity
import yaml

from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc

READY = "ready"


async def serve(path: str) -> None:
    """Serve nothing until killed."""
    server = grpc.aio.server()
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    print(READY, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
