"""The HTTP server: metrics, health, and the status page with its data.

All of it on the event loop, in small steps: no thread for a request, no timer without one. Requests change nothing, and
the address may be open to the whole network: whatever a client sends or does not send, it keeps nobody else waiting.

``server`` listens and bounds the number of connections, ``connection`` receives one request and sends its answer,
``routes`` knows which path has which. ``status`` has what is shown, ``collect`` gathers it, ``status_json`` spells it,
``status_pages`` shares it among all that ask.
"""
