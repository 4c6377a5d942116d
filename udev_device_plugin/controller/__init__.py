"""When device lists are published, and what follows a change: links, identity record, log."""
