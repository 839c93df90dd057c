"""Animators: one file or folder a backend."""
