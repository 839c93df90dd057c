"""Makes the shipped song and its truth: `python -m examples.make_song`; other lengths and stems on demand."""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile

from examples.synth import Sung, example_song, long_song, sing

HERE = Path(__file__).parent
SONG, TRUTH = HERE / "song.mp3", HERE / "song.json"
BIT_RATE = "128k"


def make(duration_s: float | None = None, *, seed: int = 0) -> Sung:
    """The shipped song, or one of `duration_s` with all verses over and over."""
    if duration_s is None:
        return sing(example_song(), seed=seed)
    return sing(long_song(duration_s), seed=seed, duration_s=duration_s)


def write_song(path: Path, sung: Sung) -> None:
    """Writes the mix in the format of the suffix; anything but .wav and .flac goes through ffmpeg."""
    if path.suffix in {".wav", ".flac"}:
        soundfile.write(path, sung.mix, sung.sample_rate, subtype="PCM_16")
        return
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "song.wav"
        soundfile.write(wave, sung.mix, sung.sample_rate, subtype="PCM_24")
        subprocess.run(encode_command(wave, path, sung.title), check=True)


def encode_command(wave: Path, path: Path, title: str) -> list[str]:
    tags = ["-metadata", f"title={title}", "-metadata", "artist=Serenade", "-fflags", "+bitexact"]
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    return [ffmpeg, "-y", "-v", "error", "-i", str(wave), "-b:a", BIT_RATE, *tags, str(path)]


def write_truth(path: Path, sung: Sung) -> None:
    """JSON with one row a line, so that a change shows as a change of few lines."""
    rows = []
    for key, value in sung.truth().items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value)
            rows.append(f' "{key}": [\n  {inner}\n ]')
        else:
            rows.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SONG, help="where the song goes; the truth goes beside it as .json")
    parser.add_argument("--seconds", type=float, help="another length, up to 600")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stems", action="store_true", help="also write vocals, accompaniment and dry voice as .wav")
    args = parser.parse_args()
    sung = make(args.seconds, seed=args.seed)
    write_song(args.out, sung)
    write_truth(args.out.with_suffix(".json"), sung)
    if args.stems:
        for name in ("vocals", "accompaniment", "dry"):
            stem: np.ndarray = getattr(sung, name)
            soundfile.write(args.out.with_suffix(f".{name}.wav"), stem, sung.sample_rate, subtype="FLOAT")
    print(f"{args.out}: {sung.duration_s:.2f} s, {len(sung.events)} phones, {len(sung.phrases)} phrases")


if __name__ == "__main__":
    main()
