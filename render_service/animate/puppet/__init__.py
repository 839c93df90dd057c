"""The built-in animator: one photo, one mesh with a cut mouth and cut eyes."""
