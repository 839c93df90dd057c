"""Synthesises songs whose stems, phones, pitches and beats are known: the shipped example, the truth of tests."""

from examples.synth.sung import Event, Span, Sung, sing
from examples.synth.tune import example_song, long_song, short_song

__all__ = ["Event", "Span", "Sung", "example_song", "long_song", "short_song", "sing"]
