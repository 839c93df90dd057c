"""Songs of every container and codec, made by ffmpeg from one known sound, and how late a sound is against it."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

RATE = 44_100
SECONDS = 4.0

_PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=4")
_RECIPES: dict[str, tuple[str, ...]] = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "192k"),
    "vbr.mp3": ("-c:a", "libmp3lame", "-q:a", "4"),
    "wav": ("-c:a", "pcm_s16le"),
    "24.wav": ("-c:a", "pcm_s24le"),
    "float.wav": ("-c:a", "pcm_f32le"),
    "8.wav": ("-c:a", "pcm_u8"),
    "mono22k.wav": ("-ac", "1", "-ar", "22050"),
    "surround.wav": (
        "-ac",
        "6",
    ),
    "flac": ("-c:a", "flac"),
    "96k.flac": ("-c:a", "flac", "-ar", "96000"),
    "ogg": ("-c:a", "libvorbis", "-q:a", "6"),
    "opus": ("-c:a", "libopus", "-b:a", "128k"),
    "m4a": ("-c:a", "aac", "-b:a", "160k"),
    "alac.m4a": ("-c:a", "alac"),
    "aac": ("-c:a", "aac", "-b:a", "160k", "-f", "adts"),
    "aiff": ("-c:a", "pcm_s16be"),
    "webm": ("-c:a", "libopus", "-b:a", "128k"),
    "mp4": (*_PICTURES, "-c:v", "libx264", "-c:a", "aac", "-b:a", "160k"),
    "mov": (*_PICTURES, "-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    "mkv": (*_PICTURES, "-c:v", "libx264", "-c:a", "flac"),
    "aac.mkv": ("-c:a", "aac", "-b:a", "160k"),
    "avi": (*_PICTURES, "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "mpg": (*_PICTURES, "-c:v", "mpeg1video", "-c:a", "mp2"),
    "ts": (*_PICTURES, "-c:v", "libx264", "-c:a", "aac", "-b:a", "160k"),
}
CONTAINERS = tuple(_RECIPES)

Sound = NDArray[np.float32]


def ffmpeg(*arguments: str | Path) -> None:
    """Runs ffmpeg on files of our own."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    argv = [program, "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)


def make_song(out: Path, source: Path, recipe: str) -> Path:
    """Encodes `source` as one of CONTAINERS; the name of the file says nothing about its content."""
    options = _RECIPES[recipe]
    container = {"opus": "ogg", "m4a": "ipod", "aac": "adts", "mkv": "matroska", "mpg": "mpeg", "ts": "mpegts"}
    suffix = recipe.rsplit(".", maxsplit=1)[-1]
    inputs = options[:4] if options[0] == "-f" else ()
    codecs = options[4:] if inputs else options
    ffmpeg("-i", source, *inputs, *codecs, "-f", container.get(suffix, suffix), out)
    return out


def make_sound(seconds: float = SECONDS, rate: int = RATE, seed: int = 1) -> Sound:
    """[n, 2] float32: noise in bursts under 6 kHz, different left and right, no moment like another."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    spectrum = np.fft.rfft(rng.standard_normal((count, 2)), axis=0)
    spectrum[np.fft.rfftfreq(count, 1 / rate) > 6_000] = 0
    noise = np.fft.irfft(spectrum, count, axis=0)
    steps = rng.uniform(0.2, 1.0, round(seconds * 10) + 2)
    loudness = np.interp(np.arange(count) / rate, np.arange(len(steps)) / 10, steps)
    sound = noise * loudness[:, None]
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def lag_s(heard: Sound, source: Sound, rate: int) -> tuple[float, float]:
    """By how much `heard` comes later than `source`, in seconds, and how well they agree there (1 is equal)."""
    a, b = (np.asarray(x, np.float64).reshape(len(x), -1).mean(axis=1) for x in (heard, source))
    size = 2 * max(len(a), len(b))
    product = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    at = int(np.argmax(product))
    agreement = product[at] / np.sqrt((a**2).sum() * (b**2).sum())
    return (at if at < size // 2 else at - size) / rate, float(agreement)
