"""Entries of a group, one module for each kind of selector."""
