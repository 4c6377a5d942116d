"""Globs, as Go's ``path.Match`` reads them."""
