"""The command, the settings in force, creation and shutdown of all components, signals."""
