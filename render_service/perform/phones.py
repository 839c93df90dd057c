"""Phones in the voice, in any language, by all-phone decoding with PocketSphinx's US English acoustic model."""

from dataclasses import dataclass

import numpy as np
from pocketsphinx import Decoder, get_model_path

from render_service.perform.curves import RATE, Curve, smooth, spans
from render_service.stages import VOICE_RATE, Samples

LANGUAGE_WEIGHT = 2.0
INSERTION_PENALTY = 0.3
BEAM = 1e-20
"""The three settings at which decoded mouths followed filmed ones best."""
CHUNK_LEAST_S, CHUNK_MOST_S = 6.0, 12.0
"""Short enough that memory stays flat and other threads get a turn: decoding holds the interpreter."""
PAUSE_LEAST_S = 1.0
"""Longer silence is not decoded at all: the decoder would hear phones in it."""
MARGIN_S = 0.15
PEAK = 0.8
SILENCE = "SIL"


@dataclass(frozen=True)
class Phone:
    """name: ARPABET without stress, or SIL, +SPN+, +NSN+."""

    name: str
    start_s: float
    end_s: float


def decode(vocals: Samples, level: Curve, quiet: float) -> list[Phone]:
    """Phones in time order; long silences hold none.

    vocals: [n] float32 mono at VOICE_RATE. level: [T] at `curves.RATE`, any scale; under `quiet` nobody sings.
    """
    decoder = _new_decoder()
    loudest = float(np.abs(vocals).max(initial=1e-9))
    phones: list[Phone] = []
    for begin, end in chunks(level, quiet):
        part = vocals[begin * VOICE_RATE // RATE : end * VOICE_RATE // RATE] * (PEAK / loudest)
        phones += _decode_chunk(decoder, part, begin / RATE)
    return phones


def chunks(level: Curve, quiet: float) -> list[tuple[int, int]]:
    """Spans (begin, end at `curves.RATE`) that together hold all that is sung, cut where it is quietest."""
    margin, pause = round(MARGIN_S * RATE), round(PAUSE_LEAST_S * RATE)
    loud = level > quiet
    for begin, end in spans(~loud):
        if end - begin < pause:
            loud[begin:end] = True
    soft = smooth(level, 0.2)
    cut: list[tuple[int, int]] = []
    for begin, end in spans(loud):
        cut += _shortened(soft, max(0, begin - margin), min(len(level), end + margin))
    return cut


def _shortened(soft: Curve, begin: int, end: int) -> list[tuple[int, int]]:
    least, most = round(CHUNK_LEAST_S * RATE), round(CHUNK_MOST_S * RATE)
    parts = []
    while end - begin > most:
        middle = begin + least + int(soft[begin + least : begin + most].argmin())
        parts.append((begin, middle))
        begin = middle
    return [*parts, (begin, end)]


def _new_decoder() -> Decoder:
    """A fresh one for every song: a used one remembers the last singer's cepstral mean, and seeds would not repeat."""
    model = get_model_path("en-us")
    return Decoder(
        hmm=f"{model}/en-us",
        allphone=f"{model}/en-us-phone.lm.bin",
        lm=None,
        lw=LANGUAGE_WEIGHT,
        pip=INSERTION_PENALTY,
        beam=BEAM,
        pbeam=BEAM,
        loglevel="FATAL",
    )


def _decode_chunk(decoder: Decoder, part: Samples, offset_s: float) -> list[Phone]:
    decoder.start_utt()
    decoder.process_raw((part * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    return [
        Phone(segment.word.strip(), offset_s + segment.start_frame / RATE, offset_s + (segment.end_frame + 1) / RATE)
        for segment in decoder.seg() or ()
    ]
