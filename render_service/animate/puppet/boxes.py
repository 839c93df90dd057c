"""Rectangles of the output that are painted on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Box:
    """px; left and top may lie outside the picture only where nothing is painted."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(
        cls, points: NDArray[np.floating], bounds: Sequence[int], *, side: float, above: float, below: float
    ) -> Self | None:
        """The box of points [n, 2] with margins, cut to bounds (left, top, right, bottom); None if nothing is left."""
        low, high = points.min(axis=0), points.max(axis=0)
        left, top = max(bounds[0], int(low[0] - side)), max(bounds[1], int(low[1] - above))
        right = min(bounds[2], int(np.ceil(high[0] + side)))
        bottom = min(bounds[3], int(np.ceil(high[1] + below)))
        return cls(left, top, right - left, bottom - top) if right - left > 2 and bottom - top > 1 else None

    @property
    def corner(self) -> tuple[int, int]:
        return self.left, self.top

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as OpenCV wants them."""
        return self.width, self.height

    def slices(self, left: int, top: int) -> tuple[slice, slice]:
        """Rows and columns of this box in an array whose corner is (left, top)."""
        row, column = self.top - top, self.left - left
        return slice(row, row + self.height), slice(column, column + self.width)


def whole(canvas: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """A picture's own bounds."""
    return 0, 0, canvas.shape[1], canvas.shape[0]
