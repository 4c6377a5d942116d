"""The file system: inotify watches for globs, and bounded reads of small files."""
