"""The order of the stages, with stand-ins for every backend."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from render_service.pipeline import Parts, Pipeline, frame_size
from render_service.prepared import Plan, Prepared
from render_service.stages import (
    AS_THE_PHOTO,
    Frame,
    FrameSize,
    HeardSong,
    Look,
    Performance,
    Rig,
    Samples,
    SongFacts,
    Stems,
    VideoRate,
)
from shared.errors import BadOption, BadPortrait, BadSong, Cancelled, ErrorCode
from shared.models import RenderOptions, Stage

SONG_S = 12.0


class Songs:
    def probe(self, path: Path) -> SongFacts:
        return SongFacts(SONG_S, 44_100, 2, "flac")

    def blocks(self, path: Path, *, rate: int, start_s: float = 0, end_s: float | None = None) -> Iterator[Samples]:
        for _ in range(int((end_s or SONG_S) - start_s)):
            yield np.full((rate, 2), 0.25, np.float32)


class Pictures:
    def read(self, path: Path) -> Frame:
        return np.zeros((600, 400, 3), np.uint8)


class Halves:
    def separate(self, mix: Iterable[Samples]) -> Iterator[Stems]:
        for block in mix:
            yield Stems(block * 0.5, block * 0.5)


class Motion:
    def perform(self, song: HeardSong, *, fps: int, frame_count: int, seed: int) -> Performance:
        curves = np.full((frame_count, 52), seed, np.float32)
        return Performance(fps, curves, np.zeros((frame_count, 6), np.float32), np.zeros(frame_count, np.float32))


class Painter:
    error: BadPortrait | None = None

    looks: list[Look]

    def __init__(self) -> None:
        self.looks = []

    def rig(self, picture: Frame, size: FrameSize, *, face: int | None, look: Look = AS_THE_PHOTO) -> Rig:
        self.looks.append(look)
        if self.error:
            raise self.error
        return {"size": np.array([size.width, size.height])}

    def animate(self, rig: Rig, performance: Performance, frames: range) -> Iterator[Frame]:
        for index in frames:
            yield np.full((2, 2, 3), index % 256, np.uint8)


class Files:
    """An encoder whose segments are the frame numbers as text."""

    def plan(
        self, size: FrameSize, *, fps: int, duration_s: float, max_bytes: int | None
    ) -> tuple[FrameSize, VideoRate]:
        return size, VideoRate(crf=20)

    def segment(self, frames: Iterable[Frame], out: Path, *, size: FrameSize, fps: int, rate: VideoRate) -> int:
        drawn = [int(frame[0, 0, 0]) for frame in frames]
        out.write_text(" ".join(map(str, drawn)) + " ")
        return len(drawn)

    def join(
        self,
        segments: Iterable[Path],
        song: Path,
        out: Path,
        *,
        fps: int,
        start_s: float,
        duration_s: float,
        max_bytes: int | None = None,
    ) -> None:
        out.write_text("".join(part.read_text() for part in segments))


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def pipeline(painter: Painter) -> Pipeline:
    return Pipeline(Parts(Songs(), Pictures(), Files(), Halves, Motion, lambda: painter))


def silent(stage: Stage, fraction: float) -> None:
    pass


def test_segments_in_any_order_make_the_whole_video(pipeline: Pipeline, tmp_path: Path) -> None:
    prepared = pipeline.prepare(Path("song"), Path("face"), RenderOptions(end_s=9), silent)
    count = prepared.plan.segment_count
    assert count > 1
    parts = [tmp_path / str(index) for index in range(count)]
    for index in reversed(range(count)):
        pipeline.render_segment(prepared, index, parts[index], silent)
    pipeline.finish(prepared.plan, parts, Path("song"), tmp_path / "video", silent)
    assert (tmp_path / "video").read_text().split() == [str(i) for i in range(225)]


def test_prepared_survives_the_store(pipeline: Pipeline, tmp_path: Path) -> None:
    prepared = pipeline.prepare(Path("song"), Path("face"), RenderOptions(seed=3), silent)
    with (tmp_path / "prepared.npz").open("wb") as out:
        prepared.save(out)
    back = Prepared.load(tmp_path / "prepared.npz")
    assert back.plan == prepared.plan
    assert back.performance.fps == 25
    assert np.array_equal(back.performance.blendshapes, prepared.performance.blendshapes)
    assert np.array_equal(back.rig["size"], [400, 600])


def test_the_voice_is_heard_at_its_rate_and_level(pipeline: Pipeline) -> None:
    heard: list[HeardSong] = []

    class Listener(Motion):
        def perform(self, song: HeardSong, *, fps: int, frame_count: int, seed: int) -> Performance:
            heard.append(song)
            return super().perform(song, fps=fps, frame_count=frame_count, seed=seed)

    listening = Pipeline(Parts(Songs(), Pictures(), Files(), Halves, Listener, Painter))
    listening.prepare(Path("song"), Path("face"), RenderOptions(), silent)
    assert len(heard[0].vocals) == pytest.approx(SONG_S * 16_000, abs=2)
    assert heard[0].duration_s == pytest.approx(SONG_S, abs=1e-3)
    assert np.median(heard[0].vocals) == pytest.approx(0.125, abs=1e-3)
    assert np.median(heard[0].mix) == pytest.approx(0.25, abs=1e-3)


def test_a_bad_portrait_stops_the_listening_too(pipeline: Pipeline, painter: Painter) -> None:
    painter.error = BadPortrait(ErrorCode.FACE_MISSING)
    heard_after = threading.Event()

    def report(stage: Stage, fraction: float) -> None:
        if stage is Stage.PERFORM and fraction == 1:
            heard_after.set()

    with pytest.raises(BadPortrait):
        pipeline.prepare(Path("song"), Path("face"), RenderOptions(), report)


def test_the_cause_wins_over_the_consequence(pipeline: Pipeline, painter: Painter) -> None:
    painter.error = BadPortrait(ErrorCode.FACE_MISSING)

    class Deaf(Motion):
        def perform(self, song: HeardSong, *, fps: int, frame_count: int, seed: int) -> Performance:
            raise BadSong(ErrorCode.SONG_SILENT)

    for motion in (Motion, Deaf):
        with pytest.raises((BadPortrait, BadSong)):
            Pipeline(Parts(Songs(), Pictures(), Files(), Halves, motion, lambda: painter)).prepare(
                Path("song"), Path("face"), RenderOptions(), silent
            )


def test_cancelling_from_the_report_ends_every_step(pipeline: Pipeline, tmp_path: Path) -> None:
    def stop(stage: Stage, fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pipeline.prepare(Path("song"), Path("face"), RenderOptions(), stop)
    prepared = pipeline.prepare(Path("song"), Path("face"), RenderOptions(), silent)
    with pytest.raises(Cancelled):
        pipeline.render_segment(prepared, 0, tmp_path / "part", stop)
    assert not (tmp_path / "part").exists()


@pytest.mark.parametrize("options", [RenderOptions(start_s=20), RenderOptions(start_s=5, end_s=5.5)])
def test_a_range_outside_the_song_is_refused(pipeline: Pipeline, options: RenderOptions) -> None:
    with pytest.raises(BadOption) as refusal:
        pipeline.prepare(Path("song"), Path("face"), options, silent)
    assert refusal.value.params["duration_s"] == SONG_S


def test_an_end_before_the_start_is_told_as_that(pipeline: Pipeline) -> None:
    with pytest.raises(BadOption) as refusal:
        pipeline.prepare(Path("song"), Path("face"), RenderOptions(start_s=5, end_s=2), silent)
    assert refusal.value.code is ErrorCode.OPTION_INVALID


@pytest.mark.parametrize(
    ("picture", "height", "expected"),
    [
        ((600, 400), None, (400, 600)),
        ((1440, 1080), None, (540, 720)),
        ((100, 100), None, (256, 256)),
        ((601, 403), None, (402, 600)),
        ((512, 512), 1080, (1080, 1080)),
        ((500, 5000), 2160, (3840, 384)),
    ],
)
def test_the_video_keeps_the_pictures_shape(
    picture: tuple[int, int], height: int | None, expected: tuple[int, int]
) -> None:
    size = frame_size(np.zeros((*picture, 3), np.uint8), height)
    assert (size.width, size.height) == expected


@pytest.mark.parametrize("frame_count", [1, 25, 124, 125, 251, 3_001, 15_000])
def test_segments_cover_every_frame_once(frame_count: int) -> None:
    plan = Plan(FrameSize(64, 64), VideoRate(20), 25, frame_count, 0.0, 0)
    frames = [frame for index in range(plan.segment_count) for frame in plan.segment(index)]
    assert frames == list(range(frame_count))


def test_a_background_reaches_the_animator(pipeline: Pipeline, painter: Painter) -> None:
    for kind in ("keep", "blur", "#0a141e"):
        pipeline.prepare(Path("song"), Path("face"), RenderOptions(background=kind), silent)
    behind = Path("behind")
    pipeline.prepare(Path("song"), Path("face"), RenderOptions(background="picture"), silent, background_picture=behind)
    kept, blurred, coloured, pictured = (look.backdrop for look in painter.looks)
    assert kept is None
    assert blurred == "blur"
    assert isinstance(coloured, np.ndarray) and coloured.ravel().tolist() == [10, 20, 30]
    assert isinstance(pictured, np.ndarray) and pictured.shape == (600, 400, 3)
