"""How we connect to the kubelet: for one call, over its unix socket.

Event loop only. A channel is opened for each attempt and closed after it: nothing stays connected, and
nothing wakes up to keep it so.
"""

import grpc

_OPTIONS = (
    # Channels to one address share their connection and its back-off by default: a new attempt must be a new one.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


def open_channel(socket: str) -> grpc.aio.Channel:
    """A new channel to the server on the unix socket ``socket``; to be used as a context."""
    return grpc.aio.insecure_channel(f"unix:{socket}", _OPTIONS)
