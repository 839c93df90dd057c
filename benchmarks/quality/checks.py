"""Every check by name: what it measures, the threshold it is held to, and where that threshold comes from."""

from dataclasses import dataclass

import numpy as np

PUPPET = "study of the puppet on 100 portraits"
FILMED = "filmed talkers and singers, same landmarks"
BUILT = "how it is built"
SET_HERE = "set here"


@dataclass(frozen=True)
class Check:
    """One column. low, high: the values that pass; None is no limit. A NaN was not applicable."""

    key: str
    title: str
    source: str
    low: float | None = None
    high: float | None = None
    digits: int = 2

    def holds(self, value: float) -> bool:
        """Judged as it is printed, so that the table never shows a limit kept and calls it a miss."""
        if np.isnan(value):
            return True
        value = round(value, self.digits)
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def limits(self) -> str:
        if self.low is None and self.high is None:
            return "told only"
        if self.high is None:
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if self.low is None else f"{self.low:g} to {self.high:g}"

    def cell(self, value: float) -> str:
        if np.isnan(value):
            return "-"
        return f"{value:.{self.digits}f}" + ("" if self.holds(value) else " **miss**")


MOUTH = (
    Check("lost", "frames without a face", PUPPET, high=0, digits=0),
    Check("aperture_r", "aperture r", PUPPET, low=0.8),
    Check("aperture_slope", "aperture slope", PUPPET, low=0.5, high=1.4),
    Check("command_lag", "lag to command, frames", PUPPET, low=-2, high=2, digits=1),
    Check("voice_lag", "lag to voice, frames", PUPPET, low=-2, high=2, digits=1),
    Check("voice_r", "r there", "told beside the lag"),
    Check("open_in_silence", "open in silence, %", SET_HERE + "; peers' singing heads: 11 to 70", high=5, digits=0),
    Check("opening_p95", "opening p95, face heights", FILMED, low=0.05, high=0.18, digits=3),
    Check("opening_std", "opening std", FILMED, low=0.015, high=0.05, digits=3),
    Check("width_r", "width r, opening taken out", PUPPET, low=0.8),
    Check("width_raw_r", "width r as it is", "told beside it: a landmarker's corners follow the opening"),
)
EYES_AND_HEAD = (
    Check("eyes_r", "lid gap r with blink", PUPPET, high=-0.85),
    Check("blinks", "blinks a minute", "Bentivoglio et al. 1997: 4 reading, 26 talking", low=4, high=30, digits=0),
    Check("yaw_range", "yaw range, deg", BUILT + ": 8 either way", high=18, digits=1),
    Check("pitch_range", "pitch range, deg", BUILT + ": 8 either way", high=18, digits=1),
    Check("roll_range", "roll range, deg", BUILT + ": 8 either way", high=18, digits=1),
    Check("yaw_r", "yaw r, opening taken out", PUPPET, low=0.8),
    Check("pitch_r", "pitch r, opening taken out", PUPPET, low=0.8),
    Check("roll_r", "roll r, opening taken out", PUPPET, low=0.8),
    Check("spikes", "acceleration spikes", SET_HERE + ": none over four times the 95th percentile", high=0, digits=0),
    Check("beats", "beats heard", "told only", digits=0),
    Check("beat_score", "beat align", "told beside its gain"),
    Check("beat_gain", "over random phase", "Li et al. 2021: a control must be beaten", low=0),
)
PICTURE = (
    Check("rest_median", "rest: median levels", SET_HERE + "; 0.3 in the study of the puppet", high=1),
    Check("rest_p99", "rest: p99 levels", SET_HERE + ": nobody sees it", high=8, digits=1),
    Check("background", "background, levels", BUILT + ": still", high=0, digits=0),
    Check("rim", "rim roughness ratio", PUPPET, high=1.6),
    Check("cheek_edge", "outline roughness ratio", SET_HERE + ", as for the rim", high=1.6),
    Check("sharp_drawn", "sharpness, drawn", "asked of every portrait: the photo's own", low=0.8),
    Check("sharp_finished", "sharpness, encoded", "the same after x264", low=0.8),
    Check("flipped", "face turned inside out, %", SET_HERE + ": cheeks may not fold", high=0.5),
    Check("length_apart", "sound and picture apart, frames", BUILT, high=1),
    Check("sound_r", "sound r with source", BUILT + ": the song is not touched", low=0.99, digits=3),
    Check("sound_offset", "sound offset, ms", "a quarter of a frame", low=-10, high=10, digits=1),
)
TABLES = (("Mouth", MOUTH), ("Eyes and head", EYES_AND_HEAD), ("Picture and sound", PICTURE))
CHECKS = MOUTH + EYES_AND_HEAD + PICTURE
