"""The command line: the local front end, and the one place that puts all parts together."""
