"""Pictures from strangers, as upright sRGB arrays: `PillowPictureReader`."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageCms

from render_service.stages import Frame
from shared.errors import BadPortrait, ErrorCode
from shared.filetypes import picture_type
from shared.settings import MIB, IntakeLimits

_FORMATS = {name: (name,) for name in ("PNG", "JPEG", "WEBP", "BMP", "GIF")} | dict.fromkeys(
    ("HEIF", "AVIF"), ("HEIF", "AVIF")
)
"""The Pillow plugins that may see a file, by what its content says it is; HEIF and AVIF share a container.
Nothing else is ever tried: no EPS (runs Ghostscript), no TIFF, PSD or FITS."""

LONGEST_PX = 4096
"""Larger pictures are shrunk while they are read: no video is larger, and 50 megapixels cost 600 MB on the way."""

_MEGAPIXEL = 1_000_000

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (Exif 2.32, tag 0x0112); 1 is upright."""

_filters_lock = threading.Lock()


class PillowPictureReader:
    """`PictureReader` with Pillow and libheif."""

    def __init__(self, limits: IntakeLimits) -> None:
        pillow_heif.register_heif_opener(thumbnails=False)
        self._limits = limits

    def read(self, path: Path) -> Frame:
        """The first frame as [height, width, 3] uint8: upright by its EXIF, alpha over white, sRGB by its ICC profile.

        Its longest side is at most LONGEST_PX.
        Raises BadInput (FILE_MISSING, FILE_EMPTY), BadPortrait (PICTURE_NOT_IMAGE, PICTURE_TOO_LARGE and
        PICTURE_TOO_MANY_PIXELS before anything is decoded, PICTURE_DAMAGED).
        """
        formats = _FORMATS.get(picture_type(path).container, ())
        data = self._bytes(path)
        with _translated(self._limits), Image.open(io.BytesIO(data), formats=formats) as picture:
            if picture.width * picture.height > self._limits.picture_max_pixels:
                raise _too_many(f"{picture.width} x {picture.height}", self._limits)
            picture.draft(None, (LONGEST_PX, LONGEST_PX))
            small = _plain(picture)
            small.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
            upright = _upright(_over_white(_to_srgb(small, picture.info.get("icc_profile")), small), picture)
            return np.array(upright, np.uint8)

    def _bytes(self, path: Path) -> bytes:
        limit = self._limits.picture_max_bytes
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise BadPortrait(ErrorCode.PICTURE_TOO_LARGE, f"over {limit} bytes", limit_mb=limit // MIB)
        return data


@contextmanager
def _translated(limits: IntakeLimits) -> Iterator[None]:
    """Pillow's plugins answer broken bytes with nearly every exception there is; here they become ours."""
    try:
        with _filters_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except BadPortrait:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many(str(error), limits) from error
    except Exception as error:
        raise BadPortrait(ErrorCode.PICTURE_DAMAGED, f"{type(error).__name__}: {error}") from error


def _too_many(detail: str, limits: IntakeLimits) -> BadPortrait:
    limit_mp = round(limits.picture_max_pixels / _MEGAPIXEL)
    return BadPortrait(ErrorCode.PICTURE_TOO_MANY_PIXELS, detail, limit_mp=limit_mp)


def _plain(picture: Image.Image) -> Image.Image:
    """Decodes; one of the modes L, RGB, RGBA and CMYK comes out, 8 bits a channel. May be `picture` itself."""
    picture.load()
    if picture.mode.startswith("I"):
        deep = np.asarray(picture)
        return Image.fromarray((np.clip(deep, 0, 0xFFFF, out=deep.copy()) >> 8).astype(np.uint8))
    if picture.mode in ("L", "RGB", "CMYK", "RGBA") and "transparency" not in picture.info:
        return picture
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _to_srgb(plain: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB without alpha; a profile that is broken or belongs to another mode is passed over, as browsers do."""
    colour = plain.convert("RGB") if plain.mode == "RGBA" else plain
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return colour.convert("RGB")


def _over_white(colour: Image.Image, plain: Image.Image) -> Image.Image:
    if plain.mode != "RGBA":
        return colour
    return Image.composite(colour, Image.new("RGB", colour.size, "white"), plain.getchannel("A"))


def _upright(colour: Image.Image, picture: Image.Image) -> Image.Image:
    """Turned and mirrored as the EXIF orientation says; a broken EXIF block turns nothing."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # whatever hostile EXIF makes Pillow raise, the picture itself is decoded
        return colour
    turn = _TURNS.get(orientation or 1)
    return colour if turn is None else colour.transpose(turn)
