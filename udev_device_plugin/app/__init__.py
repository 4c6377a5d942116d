"""Command line, settings in force, wiring, signals: what starts the other packages and takes them down."""
