"""What hack/bench measures: one module for each question; `figures` names them all, with their budgets.

The plugin is a process with sockets and an entry in /proc, so that any revision of it can be measured.
"""
