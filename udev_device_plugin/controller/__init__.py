"""When lists of devices are published, and what follows from it: log, identity record, links."""
