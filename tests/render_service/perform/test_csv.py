"""The performance as a table: named columns, timecodes, and back."""

import io
from pathlib import Path

import numpy as np
import pytest

from render_service.perform import csv
from render_service.stages import ARKIT_NAMES, Performance
from shared.errors import BadInput, ErrorCode


@pytest.fixture
def performance() -> Performance:
    rng = np.random.default_rng(0)
    head = rng.normal(size=(70, 6)).astype(np.float32)
    return Performance(24, rng.random((70, 52), np.float32), head, rng.uniform(-1, 1, 70).astype(np.float32))


def written(performance: Performance) -> str:
    out = io.StringIO()
    csv.write(performance, out)
    return out.getvalue()


def test_the_header_names_everything(performance: Performance) -> None:
    header = written(performance).splitlines()[0].split(",")
    assert header[:2] == ["Timecode", "BlendshapeCount"]
    assert tuple(header[2:54]) == ARKIT_NAMES
    assert header[54:] == ["headYaw", "headPitch", "headRoll", "headX", "headY", "headZ", "breath"]


def test_rows_carry_timecode_and_count(performance: Performance) -> None:
    rows = written(performance).splitlines()[1:]
    assert len(rows) == 70
    assert rows[0].startswith("00:00:00:00.000,52,")
    assert rows[25].startswith("00:00:01:01.000,52,")
    assert csv.timecode(3661 * 24 + 5, 24) == "01:01:01:05.000"


def test_what_is_written_is_read(performance: Performance, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(written(performance))
    again = csv.read(path)
    assert again.fps == 24
    for name in ("blendshapes", "head", "breath"):
        assert np.allclose(getattr(again, name), getattr(performance, name), atol=1e-5)


def test_a_live_link_face_recording_is_read(tmp_path: Path) -> None:
    names = [name[0].upper() + name[1:] for name in ARKIT_NAMES]
    codes = [f"12:30:{second:02d}:{frame:02d}.{frame}" for second in (58, 59) for frame in range(60)]
    rows = [f"{code},61," + ",".join(["0.25"] * 52) + ",0.1" for code in codes]
    path = tmp_path / "recorded.csv"
    path.write_text("\n".join(["Timecode,BlendshapeCount," + ",".join(names) + ",LeftEyeYaw", *rows]))
    recorded = csv.read(path)
    assert recorded.fps == 60
    assert recorded.frame_count == 120
    assert (recorded.blendshapes == 0.25).all()
    assert (recorded.head == 0).all()


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "Timecode,jawOpen\n00:00:00:00.000,wide\n", "Timecode,jawOpen\nnow,0.1\n"]
)
def test_other_tables_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(BadInput):
        csv.read(path)


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        csv.read(tmp_path / "none.csv")
    assert caught.value.code is ErrorCode.FILE_MISSING
