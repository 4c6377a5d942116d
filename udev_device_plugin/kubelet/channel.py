"""gRPC channels to the kubelet: one for each attempt, so that nothing stays connected or wakes up. Event loop only."""

import grpc

_OPTIONS = (
    # Channels to one address share their connection and its back-off by default: a new attempt must be a new one.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


def open_channel(socket: str) -> grpc.aio.Channel:
    """Return a new channel to the server on a unix socket, as a context manager."""
    return grpc.aio.insecure_channel(f"unix:{socket}", _OPTIONS)
