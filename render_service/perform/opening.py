"""How far the mouth opens and how wide it is: ridge and phones together, gated, steady on held notes."""

from dataclasses import dataclass

import numpy as np

from render_service.perform.coarticulation import articulate
from render_service.perform.contact import LIPS_TOUCH, TEETH_ON_LIP, contact
from render_service.perform.curves import RATE, Curve, sample, smooth
from render_service.perform.features import VoiceFeatures
from render_service.perform.gate import Gate
from render_service.perform.phones import Phone
from render_service.perform.pitch import Pitch
from render_service.perform.ridge import MouthRidge, in_context

LEAD_S = 0.02
"""Real mouths are 0-40 ms ahead of their sound. The ridge learned that; phones are moved."""
QUICK_S, STEADY_S = 0.10, 0.40
"""Smoothing of consonants and onsets, and of held vowels, which must not flutter."""
FACE_CM = 18.0
SOFT_SHARE, STRONG_SHARE = 0.09, 0.125
"""95th percentile of filmed singers' opening over face height, gentle and strong (.06-.18 measured)."""
SOFT_EFFORT_DB, STRONG_EFFORT_DB = -24.0, -10.0
"""Energy above over below 1 kHz of crooned and of belted songs."""
CONTRAST = 0.6
"""How much of what even the narrowest sung sounds would open is taken away: filmed singers' opening deviates by a
quarter to a third of its 95th percentile, a regression's by less."""
BITE_OPENING = 0.4
"""What F and V leave of the opening, as filmed."""
PHONE_WIDTH_SHARE = 0.5
"""Half of the width from phones, half from the ridge: .3 to .7 are alike on films, phones alone lose .1 of r."""


@dataclass(frozen=True)
class MouthMotion:
    """All [T] at `curves.RATE`.

    gap_cm: between the inner lips, before lips touch.  openness: the same, 0..1 of this song's wide.
    width:  -1 rounded .. 1 spread.  touch, bite: 0..1.
    """

    gap_cm: Curve
    openness: Curve
    width: Curve
    touch: Curve
    bite: Curve


def mouth(voice: VoiceFeatures, pitch: Pitch, phones: list[Phone], gate: Gate, ridge: MouthRidge) -> MouthMotion:
    """The mouth of a song."""
    lips = articulate(phones, len(voice.level))
    touch, bite = (_earlier(contact(phones, names, voice.bands)) * gate.amount for names in (LIPS_TOUCH, TEETH_ON_LIP))
    opening, width = ridge.predict(in_context(voice, lips)).T
    openness = _normalised(opening, gate, ridge.rest)
    width = PHONE_WIDTH_SHARE * _earlier(lips.width) + (1 - PHONE_WIDTH_SHARE) * _centred(width, gate)
    hold = smooth(pitch.held.astype(np.float64), 0.2)
    openness = _calm(openness, hold) * gate.amount
    openness *= 1 - bite * (1 - BITE_OPENING)
    width = np.clip(_calm(width, hold), -1, 1) * gate.amount
    return MouthMotion(openness * widest_cm(voice, gate), openness, width, touch, bite)


def widest_cm(voice: VoiceFeatures, gate: Gate) -> float:
    """The gap of this song's wide moments: more for a strained voice than for a soft one, whatever its level."""
    loud = gate.on & (voice.level > np.percentile(voice.level, 50))
    effort_db = float(np.median(voice.effort_db[loud])) if loud.any() else SOFT_EFFORT_DB
    strength = np.clip((effort_db - SOFT_EFFORT_DB) / (STRONG_EFFORT_DB - SOFT_EFFORT_DB), 0, 1)
    return float(FACE_CM * (SOFT_SHARE + (STRONG_SHARE - SOFT_SHARE) * strength))


def _normalised(opening: Curve, gate: Gate, rest: float) -> Curve:
    """0 where lips would be closed, 1 at the 95th percentile of what is sung; softly bounded above."""
    sung = opening[gate.on] if gate.on.any() else opening
    narrow, high = np.percentile(sung, (5, 95))
    low = min(rest, narrow) + CONTRAST * max(narrow - rest, 0)
    share = np.maximum((opening - low) / max(high - low, 1e-3), 0)
    return np.where(share > 1, 1 + np.tanh(2 * (share - 1)) / 5, share)


def _centred(width: Curve, gate: Gate) -> Curve:
    """The ridge's width about its usual value while singing, scaled like the phones' width."""
    sung = width[gate.on] if gate.on.any() else width
    return np.asarray((width - np.median(sung)) / (2.5 * sung.std() + 1e-3))


def _calm(curve: Curve, hold: Curve) -> Curve:
    """Quick where the voice moves, slow where it holds a note."""
    return smooth(curve, QUICK_S) * (1 - hold) + smooth(curve, STEADY_S) * hold


def _earlier(curve: Curve) -> Curve:
    return sample(curve, np.arange(len(curve)) / RATE + LEAD_S)
