"""Separators: one file a backend."""
