"""Pictures of every kind come out upright, in sRGB, over white; bad ones have their own errors."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from render_service.media.pictures import LONGEST_PX, PillowPictureReader
from render_service.stages import Frame
from shared.errors import BadInput, BadPortrait, ErrorCode
from shared.settings import IntakeLimits

RED, GREEN, BLUE, WHITE = (220, 30, 20), (20, 200, 40), (30, 40, 210), (255, 255, 255)
ORIENTATION = 0x0112
LOSSY = 12
"""Levels that lossy formats may be off in the middle of a patch."""


@pytest.fixture
def reader(limits: IntakeLimits) -> PillowPictureReader:
    pillow_heif.register_heif_opener()
    return PillowPictureReader(limits)


def flag(width: int = 96, height: int = 64) -> Image.Image:
    """Upper left red, upper right green, lower left blue, lower right white: no turn or mirror looks the same."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    picture.paste(WHITE, (width // 2, height // 2, width, height))
    return picture


def assert_is_flag(frame: Frame, tolerance: int = 0, size: tuple[int, int] = (96, 64)) -> None:
    assert frame.dtype == np.uint8
    assert frame.shape == (size[1], size[0], 3)
    height, width = frame.shape[:2]
    for (y, x), colour in {(1, 1): RED, (1, 3): GREEN, (3, 1): BLUE, (3, 3): WHITE}.items():
        seen = frame[y * height // 4, x * width // 4].astype(int)
        assert np.abs(seen - colour).max() <= tolerance, f"{seen} is not {colour}"


def saved(folder: Path, picture: Image.Image, kind: str, **options: object) -> Path:
    """The name says nothing about the content."""
    path = folder / "selfie.txt"
    picture.save(path, format=kind, **options)
    return path


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [("PNG", 0), ("BMP", 0), ("GIF", 0), ("JPEG", LOSSY), ("WEBP", LOSSY), ("AVIF", LOSSY), ("HEIF", LOSSY)],
)
def test_every_format_is_read(kind: str, tolerance: int, tmp_path: Path, reader: PillowPictureReader) -> None:
    assert_is_flag(reader.read(saved(tmp_path, flag(), kind)), tolerance)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_the_exif_orientation_is_undone(
    orientation: int, kind: str, tmp_path: Path, reader: PillowPictureReader
) -> None:
    """The file holds the picture as a camera held that way stores it (Exif 2.32: where row 0 and column 0 lie)."""
    flip, rotate = Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose
    stored = {
        1: [],
        2: [flip],
        3: [rotate.ROTATE_180],
        4: [rotate.FLIP_TOP_BOTTOM],
        5: [rotate.ROTATE_90, rotate.FLIP_TOP_BOTTOM],
        6: [rotate.ROTATE_90],
        7: [rotate.ROTATE_90, flip],
        8: [rotate.ROTATE_270],
    }[orientation]
    picture = flag()
    for turn in stored:
        picture = picture.transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert_is_flag(reader.read(saved(tmp_path, picture, kind, exif=exif.tobytes())), LOSSY)


def test_a_broken_exif_block_turns_nothing(tmp_path: Path, reader: PillowPictureReader) -> None:
    assert_is_flag(reader.read(saved(tmp_path, flag(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")), LOSSY)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_transparency_lies_over_white(kind: str, tmp_path: Path, reader: PillowPictureReader) -> None:
    picture = flag().convert("RGBA")
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (48, 32, 96, 64))
    alpha.paste(128, (0, 0, 48, 32))
    picture.putalpha(alpha)
    options = {} if kind == "PNG" else {"quality": 90}
    frame = reader.read(saved(tmp_path, picture, kind, **options))
    assert frame[48, 72].tolist() == [255, 255, 255]
    half = (np.array(RED) + 255) / 2
    assert np.abs(frame[16, 24] - half).max() <= LOSSY


def test_a_palette_with_a_transparent_colour_lies_over_white(tmp_path: Path, reader: PillowPictureReader) -> None:
    palette = flag().quantize(4)
    clear = palette.getpixel((72, 16))
    frame = reader.read(saved(tmp_path, palette, "PNG", transparency=clear))
    assert frame[16, 72].tolist() == [255, 255, 255]
    assert frame[16, 24].tolist() == list(RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK"])
def test_other_colour_modes_become_rgb(mode: str, tmp_path: Path, reader: PillowPictureReader) -> None:
    picture = flag().convert(mode)
    frame = reader.read(saved(tmp_path, picture, "JPEG" if mode == "CMYK" else "PNG"))
    expected = np.asarray(picture.convert("RGB"), int)
    assert np.abs(frame.astype(int)[8:24, 8:40] - expected[8:24, 8:40]).max() <= LOSSY


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_become_eight(channels: int, tmp_path: Path, reader: PillowPictureReader) -> None:
    deep = np.full((20, 30, channels), 0xC0C0, np.uint16)
    deep[:, 15:] = 0xFFFF
    path = tmp_path / "deep.png"
    path.write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    frame = reader.read(path)
    assert frame.shape == (20, 30, 3)
    assert (frame[5, 5].tolist(), frame[5, 25].tolist()) == ([0xC0] * 3, [255] * 3)


def test_the_colour_profile_is_applied(tmp_path: Path, reader: PillowPictureReader) -> None:
    """A profile that swaps the red and the green primary: only who reads it sees the flag."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    r, g, b = flag().split()
    frame = reader.read(saved(tmp_path, Image.merge("RGB", (g, r, b)), "PNG", icc_profile=bytes(profile)))
    assert_is_flag(frame, 3)


@pytest.mark.parametrize("profile", [b"rubbish", bytes(200)])
def test_a_broken_colour_profile_is_passed_over(profile: bytes, tmp_path: Path, reader: PillowPictureReader) -> None:
    assert_is_flag(reader.read(saved(tmp_path, flag(), "PNG", icc_profile=profile)))


def test_a_gif_shows_its_first_frame(tmp_path: Path, reader: PillowPictureReader) -> None:
    second = Image.new("RGB", (96, 64), "black")
    assert_is_flag(reader.read(saved(tmp_path, flag(), "GIF", save_all=True, append_images=[second])))


@pytest.mark.parametrize("size", [(10, 10), (1, 1), (3000, 2), (2, 3000)])
def test_tiny_and_very_wide_pictures_are_read(
    size: tuple[int, int], tmp_path: Path, reader: PillowPictureReader
) -> None:
    assert reader.read(saved(tmp_path, flag(*size), "PNG")).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_pictures_are_shrunk_to_what_a_video_can_show(
    kind: str, tmp_path: Path, reader: PillowPictureReader
) -> None:
    frame = reader.read(saved(tmp_path, flag(6000, 3000), kind))
    assert_is_flag(frame, LOSSY, (LONGEST_PX, LONGEST_PX // 2))


def refused(reader: PillowPictureReader, path: Path) -> BadInput:
    with pytest.raises(BadInput) as raised:
        reader.read(path)
    return raised.value


def test_too_many_pixels_are_refused_by_the_header(tmp_path: Path) -> None:
    reader = PillowPictureReader(IntakeLimits(picture_max_pixels=2_000_000))
    error = refused(reader, saved(tmp_path, Image.new("L", (2001, 1000)), "PNG"))
    assert (error.code, error.params) == (ErrorCode.PICTURE_TOO_MANY_PIXELS, {"limit_mp": 2})


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_decompression_bombs_are_refused_by_the_header(side: int, tmp_path: Path, reader: PillowPictureReader) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path = tmp_path / "bomb"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b""))
    error = refused(reader, path)
    assert (error.code, error.params) == (ErrorCode.PICTURE_TOO_MANY_PIXELS, {"limit_mp": 50})


def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    reader = PillowPictureReader(IntakeLimits(picture_max_bytes=2 * 1024**2))
    path = saved(tmp_path, flag(), "BMP")
    path.write_bytes(path.read_bytes() + bytes(2 * 1024**2))
    error = refused(reader, path)
    assert (error.code, error.params) == (ErrorCode.PICTURE_TOO_LARGE, {"limit_mb": 2})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF", "AVIF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_half_a_picture_is_damaged(kind: str, share: float, tmp_path: Path, reader: PillowPictureReader) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), kind)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert refused(reader, path).code is ErrorCode.PICTURE_DAMAGED


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF", "AVIF", "BMP", "GIF"])
def test_flipped_bytes_give_a_picture_or_an_error_of_ours(
    kind: str, tmp_path: Path, reader: PillowPictureReader
) -> None:
    rng = np.random.default_rng(3)
    path = saved(tmp_path, flag(), kind)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    for number in range(20):
        broken = data.copy()
        spread = len(data) if number % 2 else min(len(data), 200)
        broken[rng.integers(12, spread, 8)] = rng.integers(0, 256, 8)
        path.write_bytes(broken.tobytes())
        try:
            assert reader.read(path).shape[2] == 3
        except BadPortrait:
            continue


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, ErrorCode.FILE_MISSING),
        (b"", ErrorCode.FILE_EMPTY),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", ErrorCode.PICTURE_NOT_IMAGE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ErrorCode.PICTURE_NOT_IMAGE),
        (b"II*\0\x08\0\0\0" + bytes(100), ErrorCode.PICTURE_NOT_IMAGE),
        (b"just words", ErrorCode.PICTURE_NOT_IMAGE),
    ],
)
def test_what_is_no_picture_is_told_apart(
    content: bytes | None, code: ErrorCode, tmp_path: Path, reader: PillowPictureReader
) -> None:
    path = tmp_path / "selfie.png"
    if content is not None:
        path.write_bytes(content)
    assert refused(reader, path).code is code


def test_formats_that_are_not_listed_are_not_tried(tmp_path: Path, reader: PillowPictureReader) -> None:
    for kind in ("TIFF", "PPM", "ICO", "TGA"):
        data = io.BytesIO()
        flag().save(data, format=kind)
        (tmp_path / "other").write_bytes(data.getvalue())
        assert refused(reader, tmp_path / "other").code is ErrorCode.PICTURE_NOT_IMAGE
