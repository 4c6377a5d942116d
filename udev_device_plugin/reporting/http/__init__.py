"""The HTTP server: metrics, health, and the status page with its data.

The event loop accepts a connection and starts a thread for the request. So nothing wakes up without a request, a loop
that is stuck does not answer, and a slow client delays nothing else. Requests change nothing.

``door`` listens, and imports ``server``, which answers, at the first request; ``live`` lets a request wait for a
change; ``status`` has the data and their JSON, ``page`` the page for a browser. The last two are imported at need.
"""

from udev_device_plugin.reporting.http.door import Check, Look, Pages, serve

__all__ = ["Check", "Look", "Pages", "serve"]
