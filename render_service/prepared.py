"""What prepare stores and every segment reads: the performance, the rig and the plan, in one .npz without pickles."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from render_service.stages import FrameSize, Performance, Rig, VideoRate

SEGMENT_S = 5.0
"""About this much of the video is one unit of work. Shorter shares better between workers, but each segment starts an
encoder and a new group of pictures; at 5 s both cost under 2 % (benchmarks/job.py)."""

_RIG, _PERFORMANCE, _PLAN = "rig/", "performance/", "plan"


@dataclass(frozen=True)
class Plan:
    """The numbers of one render. Segment borders depend on these alone, never on how many workers there are."""

    size: FrameSize
    rate: VideoRate
    fps: int
    frame_count: int
    start_s: float
    seed: int
    max_bytes: int | None = None

    @property
    def duration_s(self) -> float:
        return self.frame_count / self.fps

    @property
    def segment_count(self) -> int:
        """An even number, so that two workers finish together; one only for very short songs."""
        pairs = math.ceil(self.duration_s / (2 * SEGMENT_S))
        return 1 if self.duration_s < SEGMENT_S else 2 * pairs

    def segment(self, index: int) -> range:
        """The frames of one segment; all segments are equally long within a frame."""
        borders = [round(i * self.frame_count / self.segment_count) for i in range(self.segment_count + 1)]
        return range(borders[index], borders[index + 1])


@dataclass(frozen=True)
class Prepared:
    """Everything a segment needs besides the code."""

    plan: Plan
    performance: Performance
    rig: Rig

    def save(self, out: IO[bytes]) -> None:
        """Uncompressed: the textures are photos, and reading happens once a segment."""
        performance = {f"{_PERFORMANCE}{k}": np.asarray(v) for k, v in vars(self.performance).items()}
        rig = {f"{_RIG}{name}": array for name, array in self.rig.items()}
        np.savez(out, allow_pickle=False, **{_PLAN: np.array(json.dumps(asdict(self.plan)))}, **performance, **rig)

    @classmethod
    def load(cls, path: Path) -> "Prepared":
        with np.load(path, allow_pickle=False) as arrays:
            plan = json.loads(str(arrays[_PLAN]))
            performance = {k.removeprefix(_PERFORMANCE): arrays[k] for k in arrays.files if k.startswith(_PERFORMANCE)}
            rig = {k.removeprefix(_RIG): arrays[k] for k in arrays.files if k.startswith(_RIG)}
        plan |= {"size": FrameSize(**plan["size"]), "rate": VideoRate(**plan["rate"])}
        performance["fps"] = int(performance["fps"])
        return cls(plan=Plan(**plan), performance=Performance(**performance), rig=rig)
