"""Separation: how well the voice comes out of real songs, how quickly, and how much memory that takes."""

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from render_service.separate.spleeter import SpleeterSeparator
from render_service.stages import SEPARATION_RATE, Samples

MIXES = Path(__file__).parent.parent.parent / "shared" / "media" / "vocals_mixes"
"""MIR-1K clips: accompaniment on the left, voice on the right."""
SONGS_S = 30, 300
KIB_PER_MIB = 1024

NOTE = """\
Spleeter's 2-stem networks, int8 kernels, onnxruntime. MIR-1K clips, mix = voice + accompaniment; SI-SDR as in
Le Roux et al. 2019, of the mono voice at 16 kHz. Speed and memory are measured on made-up songs, each in a process of
its own that does nothing else; the real-time factor is time over the song's length, loading not counted.
"""


@dataclass(frozen=True)
class Cost:
    """What one song took."""

    wall_share: float
    cpu_share: float
    load_s: float
    peak_mib: float


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixes", type=Path, default=MIXES)
    parser.add_argument("--seconds", type=int, nargs="*", default=SONGS_S)
    given = parser.parse_args(argv)
    print(NOTE)
    print_quality(sorted(given.mixes.glob("*.wav")))
    print_costs(given.seconds)


def print_quality(clips: list[Path]) -> None:
    """SI-SDR of the voice: in the mix as it is, and separated."""
    if not clips:
        print("No clips at hand (../shared/media/vocals_mixes): quality was not measured.\n")
        return
    separator = SpleeterSeparator()
    mixed, separated = np.array([voice_si_sdr(separator, clip) for clip in clips]).T
    print(f"| vocals SI-SDR, dB, {len(clips)} clips | mean | median | worst | best |")
    print("|---|---|---|---|---|")
    for name, values in (("mix as it is", mixed), ("separated", separated)):
        print(f"| {name} | {values.mean():.1f} | {np.median(values):.1f} | {values.min():.1f} | {values.max():.1f} |")
    print()


def voice_si_sdr(separator: SpleeterSeparator, clip: Path) -> tuple[float, float]:
    """Of the mix, and of the separated voice."""
    sound, rate = soundfile.read(clip, dtype="float32")
    mix, voice = sound.sum(axis=1), sound[:, 1]
    mono = soxr.resample(mix, rate, SEPARATION_RATE)
    vocals = np.concatenate([stems.vocals for stems in separator.separate([np.stack([mono, mono], axis=1)])])
    found = soxr.resample(vocals.mean(axis=1), SEPARATION_RATE, rate)[: len(mix)]
    return si_sdr(mix, voice), si_sdr(found, voice[: len(found)])


def si_sdr(estimate: Samples, truth: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, means removed (Le Roux et al. 2019)."""
    estimate, truth = estimate - estimate.mean(), truth - truth.mean()
    target = truth * (estimate @ truth) / (truth @ truth)
    return float(10 * np.log10((target @ target) / ((estimate - target) @ (estimate - target))))


def print_costs(lengths_s: list[int]) -> None:
    """Each length in a fresh process, so that its peak is its own."""
    print("| song | real-time factor | CPU seconds a second | loading | peak memory |")
    print("|---|---|---|---|---|")
    for length_s in lengths_s:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            cost = pool.apply(measure, (length_s,))
        speed = f"{cost.wall_share:.3f} | {cost.cpu_share:.3f} | {cost.load_s:.2f} s"
        print(f"| {length_s} s | {speed} | {cost.peak_mib:.0f} MiB |")


def measure(length_s: int) -> Cost:
    began = time.perf_counter()
    separator = SpleeterSeparator()
    loaded, cpu = time.perf_counter(), time.process_time()
    for _ in separator.separate(made_up(length_s)):
        pass
    wall_share, cpu_share = (time.perf_counter() - loaded) / length_s, (time.process_time() - cpu) / length_s
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB
    return Cost(wall_share, cpu_share, loaded - began, peak)


def made_up(length_s: int) -> Iterator[Samples]:
    """Noise, a second at a time: the networks take as long over it as over music."""
    numbers = np.random.default_rng(0)
    for _ in range(length_s):
        yield (0.1 * numbers.standard_normal((SEPARATION_RATE, 2))).astype(np.float32)


if __name__ == "__main__":
    main(sys.argv[1:])
