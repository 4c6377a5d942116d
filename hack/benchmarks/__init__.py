"""What hack/bench measures: one module for each question, over a shared scene of real parts.

`figures` holds what was found, `report` shows it. Nothing here knows the plugin from within: it is a process with
sockets, and with an entry in /proc.
"""
