"""What the outer layers of tests stand on: a made-up host, real hotplug, and the plugin as a process."""
