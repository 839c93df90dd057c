"""A rig is plain arrays, small enough to send, and comes back as it was."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render_service.animate.puppet.model import PuppetRig
from render_service.animate.puppet.rig import flatten, restore
from render_service.stages import Rig


@dataclass(frozen=True)
class Inner:
    values: NDArray[np.float32]
    flag: bool


@dataclass(frozen=True)
class Outer:
    number: float
    present: Inner | None
    absent: Inner | None


def test_nested_values_and_gaps_come_back() -> None:
    value = Outer(2.5, Inner(np.arange(3, dtype=np.float32), True), None)
    arrays = flatten(value)
    assert set(arrays) == {"number", "present/values", "present/flag"}
    back = restore(Outer, arrays)
    assert back.number == 2.5
    assert back.absent is None
    assert back.present is not None
    assert back.present.flag is True
    np.testing.assert_array_equal(back.present.values, value.present.values)  # type: ignore[union-attr]


def test_an_npz_without_pickles_holds_a_rig(drawn_rig: Rig) -> None:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **drawn_rig)
    assert file.tell() < 12_000_000
    file.seek(0)
    with np.load(file, allow_pickle=False) as stored:
        back = flatten(restore(PuppetRig, dict(stored)))
    assert set(back) == set(drawn_rig)
    for name, array in drawn_rig.items():
        np.testing.assert_array_equal(back[name], array)
        assert array.dtype != object
