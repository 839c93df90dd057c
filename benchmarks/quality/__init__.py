"""Looks at finished videos as a viewer and a measuring bench would: `make quality` writes docs/quality.md."""
