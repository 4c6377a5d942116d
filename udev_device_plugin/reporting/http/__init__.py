"""What can be asked over HTTP: metrics, health, and the status page with its data.

Floor 4. No thread waits here for somebody to ask: the main loop sees a request coming and hands it to a thread that
lives as long as the request. So nothing wakes up while nobody asks, a loop that is stuck does not answer, and a slow
client keeps nobody waiting. Requests read, and change nothing.

``door`` listens, and loads ``server`` at the first request, which answers; ``live`` lets a request wait for news;
``status`` is what there is to see, and its JSON; ``page`` is what a person sees. The last two cost nothing before the
first look.
"""

from udev_device_plugin.reporting.http.door import Check, Look, Pages, serve

__all__ = ["Check", "Look", "Pages", "serve"]
