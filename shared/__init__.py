"""The contract between the front ends and the render service."""
