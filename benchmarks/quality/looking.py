"""One case from render to figures, in a process of its own."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2

from benchmarks.quality.cases import Case
from benchmarks.quality.measuring import measure
from benchmarks.quality.rendering import render
from benchmarks.quality.report import Outcome
from benchmarks.quality.sheets import save_sheet
from benchmarks.quality.watching import watch
from render_service.portrait.finder import FaceFinder
from shared.errors import BadInput


@dataclass(frozen=True)
class Job:
    """One case, and where its sheet and video are kept if anywhere."""

    case: Case
    sheets: Path | None


def look_at(job: Job) -> Outcome:
    """Renders one case and measures it."""
    cv2.setNumThreads(1)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            rendering = render(job.case, Path(folder))
        except BadInput as refused:
            return Outcome(job.case, {}, refused.code.value, time.perf_counter() - began)
        watched = watch(rendering.video, rendering.photo, FaceFinder())
        values = measure(job.case, rendering, watched)
        if job.sheets:
            stem = f"{job.case.group.split()[0].lower()}-{job.case.name}"
            save_sheet(job.sheets / f"{stem}.png", rendering, watched)
            shutil.copy(rendering.video, job.sheets / f"{stem}.mp4")
    return Outcome(job.case, values, None, time.perf_counter() - began)
