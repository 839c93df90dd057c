"""Files are known by their content: real ones of every container, and hostile ones."""

import struct
import subprocess
import time
from io import BytesIO
from pathlib import Path

import av
import imageio_ffmpeg
import pillow_heif
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from shared import filetypes
from shared.errors import BadInput, BadPortrait, BadSong, ErrorCode
from shared.filetypes import FileKind, FileType, identify, picture_type, song_type

SOUNDS: dict[str, tuple[FileType, list[str]]] = {
    "mp3": (filetypes.MP3, ["-f", "mp3"]),
    "mp3_bare": (filetypes.MP3, ["-f", "mp3", "-id3v2_version", "0", "-write_xing", "0"]),
    "mp3_8kHz": (filetypes.MP3, ["-f", "mp3", "-ar", "8000", "-id3v2_version", "0", "-write_xing", "0"]),
    "mp2": (filetypes.MP3, ["-f", "mp2"]),
    "wav": (filetypes.WAV, ["-f", "wav"]),
    "rf64": (filetypes.WAV, ["-f", "wav", "-rf64", "always"]),
    "flac": (filetypes.FLAC, ["-f", "flac"]),
    "vorbis": (filetypes.OGG, ["-f", "ogg", "-c:a", "libvorbis"]),
    "opus": (filetypes.OGG, ["-f", "opus", "-c:a", "libopus"]),
    "ogg_flac": (filetypes.OGG, ["-f", "ogg", "-c:a", "flac"]),
    "m4a": (filetypes.M4A, ["-f", "ipod", "-c:a", "aac"]),
    "alac": (filetypes.M4A, ["-f", "ipod", "-c:a", "alac"]),
    "aac": (filetypes.AAC, ["-f", "adts", "-c:a", "aac"]),
    "aac_tagged": (filetypes.AAC, ["-f", "adts", "-c:a", "aac", "-write_id3v2", "1"]),
    "aiff": (filetypes.AIFF, ["-f", "aiff"]),
    "aifc": (filetypes.AIFF, ["-f", "aiff", "-c:a", "pcm_mulaw"]),
    "weba": (filetypes.WEBM, ["-f", "webm", "-c:a", "libopus"]),
    "mka": (filetypes.MATROSKA, ["-f", "matroska", "-c:a", "flac"]),
    "mov_sound": (filetypes.QUICKTIME, ["-f", "mov", "-c:a", "pcm_s16le"]),
}
VIDEOS: dict[str, tuple[FileType, list[str]]] = {
    "mp4": (filetypes.MP4, ["-f", "mp4", "-c:a", "aac"]),
    "3gp": (filetypes.MP4, ["-f", "3gp", "-c:a", "aac"]),
    "mov": (filetypes.QUICKTIME, ["-f", "mov", "-c:a", "aac"]),
    "mkv": (filetypes.MATROSKA, ["-f", "matroska", "-c:a", "libmp3lame"]),
    "webm": (filetypes.WEBM, ["-f", "webm", "-c:v", "libvpx", "-c:a", "libvorbis"]),
    "ogv": (filetypes.OGG_VIDEO, ["-f", "ogg", "-c:v", "libtheora", "-c:a", "libvorbis"]),
    "avi": (filetypes.AVI, ["-f", "avi", "-c:a", "libmp3lame"]),
    "mpeg_ps": (filetypes.MPEG_PS, ["-f", "vob", "-c:v", "mpeg2video", "-c:a", "mp2"]),
    "mpeg_ts": (filetypes.MPEG_TS, ["-f", "mpegts", "-c:v", "mpeg2video", "-c:a", "mp2"]),
    "m2ts": (filetypes.MPEG_TS, ["-f", "mpegts", "-mpegts_m2ts_mode", "1", "-c:v", "mpeg2video", "-c:a", "mp2"]),
}
PICTURES: dict[str, FileType] = {
    "PNG": filetypes.PNG,
    "JPEG": filetypes.JPEG,
    "WEBP": filetypes.WEBP,
    "AVIF": filetypes.AVIF,
    "BMP": filetypes.BMP,
    "GIF": filetypes.GIF,
}


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind, half a second long, all of them written by one run of FFmpeg; none has an extension."""
    folder = tmp_path_factory.mktemp("media")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-bitexact"]
    command += ["-f", "lavfi", "-i", "sine=330:duration=0.5", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.5"]
    for name, (_, options) in SOUNDS.items():
        command += ["-map", "0:a", "-map_metadata", "-1", *options, str(folder / name)]
    for name, (_, options) in VIDEOS.items():
        video_codec = [] if "-c:v" in options else ["-c:v", "mpeg4"]
        command += ["-map", "0:a", "-map", "1:v", "-shortest", *video_codec, *options, str(folder / name)]
    subprocess.run(command, check=True)
    picture = Image.new("RGB", (48, 32), "tan")
    for name in PICTURES:
        picture.save(folder / name, format=name)
    pillow_heif.from_pillow(picture).save(folder / "HEIF")
    return folder


@pytest.mark.parametrize(
    ("name", "expected"), [(name, file_type) for name, (file_type, _) in (SOUNDS | VIDEOS).items()]
)
def test_songs_are_known_and_their_demuxer_opens_them(media: Path, name: str, expected: FileType) -> None:
    assert song_type(media / name) == expected
    with av.open(str(media / name), format=expected.container) as opened:
        assert opened.streams.audio[0].codec_context.sample_rate > 0
        assert next(opened.decode(audio=0)).samples > 0
    with pytest.raises(BadPortrait) as caught:
        picture_type(media / name)
    assert caught.value.code is ErrorCode.PICTURE_NOT_IMAGE


@pytest.mark.parametrize(("name", "expected"), [*PICTURES.items(), ("HEIF", filetypes.HEIF)])
def test_pictures_are_known_and_their_decoder_opens_them(media: Path, name: str, expected: FileType) -> None:
    pillow_heif.register_heif_opener()
    assert picture_type(media / name) == expected
    with Image.open(media / name, formats=[expected.container]) as opened:
        assert opened.size == (48, 32)
    with pytest.raises(BadSong) as caught:
        song_type(media / name)
    assert caught.value.code is ErrorCode.SONG_NOT_AUDIO


PLAYLISTS = {
    "m3u": b"#EXTM3U\n#EXTINF:123,Song\nsong.mp3\n",
    "m3u with a mark and blank lines": b"\xef\xbb\xbf\r\n\r\n#EXTM3U\r\nsong.mp3\r\n",
    "m3u in UTF-16": "\ufeff#EXTM3U\nsong.mp3\n".encode("utf-16-le"),
    "hls": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:9,\nhttp://169.254.169.254/latest\n#EXT-X-ENDLIST\n",
    "hls dressed as binary": b"#EXTM3U\n#EXT-X-VERSION:3\n\x00\xff\x00\xff",
    "bare list of paths": b"Music/one.mp3\nMusic/two.flac\n",
    "bare list of addresses": b"http://example.org/stream\n",
    "long bare list": b"some/folder/of/songs/number.mp3\n" * 5000,
    "pls": b"[playlist]\nFile1=song.mp3\nNumberOfEntries=1\n",
    "ffconcat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "concat script": b"# my list\nfile 'one.wav'\nfile 'two.wav'\n",
    "dash": b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
    "asx": b"<asx version='3.0'><entry><ref href='http://example.org'/></entry></asx>",
    "xspf": b'<?xml version="1.0"?><playlist version="1"><trackList/></playlist>',
    "smil": b"<smil><body><audio src='x.mp3'/></body></smil>",
    "cue": b'PERFORMER "Me"\r\nFILE "album one.wav" WAVE\r\n  TRACK 01 AUDIO\r\n',
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
    "list behind a tag": b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + b"#EXTM3U\nsong.mp3\n",
}


@pytest.mark.parametrize("content", PLAYLISTS.values(), ids=PLAYLISTS.keys())
def test_playlists_and_scripts_are_not_songs(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(content)
    with pytest.raises(BadSong) as caught:
        song_type(path)
    assert caught.value.code is ErrorCode.SONG_IS_PLAYLIST


FAR_TAG = b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f"
"""An ID3 tag that claims 256 MB."""
NOT_SONGS = {
    "one byte": b"\xff",
    "two bytes": b"\xff\xfb",
    "a frame's header alone": b"\xff\xfb\x90\x64",
    "one frame, then rubbish": b"\xff\xfb\x90\x64" + bytes(5000),
    "text": b"La la la, I am no song.\n" * 100,
    "text in Latin-1": "Für Élise, drei Strophen\n".encode("latin-1"),
    "a page": b"<!doctype html><html><body>404</body></html>",
    "zeros": bytes(100_000),
    "syncs without frames": b"\xff" * 100_000,
    "a tag and nothing": FAR_TAG,
    "a tag that ends beyond the file": FAR_TAG + b"\xff\xfb\x90\x64" + bytes(500),
    "a tag with an impossible size": b"ID3\x04\x00\x00\xff\xff\xff\xff" + bytes(500),
    "a tag around a picture": b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + b"\x89PNG\r\n\x1a\n" + bytes(100),
    "endless tags": b"ID3\x04\x00\x00\x00\x00\x00\x00" * 5000,
    "half a RIFF": b"RIFF\x00\x00",
    "RIFF of another form": b"RIFF\x00\x00\x00\x00CDXA" + bytes(50),
    "half a box": b"\x00\x00\x00",
    "a box without brands": b"\x00\x00\x00\x08ftyp",
    "an archive": b"PK\x03\x04" + bytes(60),
    "a PDF": b"%PDF-1.7\n\x00\x01",
    "a program": b"\x7fELF\x02\x01\x01" + bytes(60),
    "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
}


@pytest.mark.parametrize("content", NOT_SONGS.values(), ids=NOT_SONGS.keys())
def test_what_is_neither_is_refused_as_either(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(content)
    with pytest.raises(BadSong) as as_song:
        song_type(path)
    with pytest.raises(BadPortrait) as as_picture:
        picture_type(path)
    assert as_song.value.code is ErrorCode.SONG_NOT_AUDIO
    assert as_picture.value.code is ErrorCode.PICTURE_NOT_IMAGE


def test_a_tag_larger_than_the_head_is_passed_over(media: Path, tmp_path: Path) -> None:
    cover = 3 * filetypes.HEAD_BYTES  # a cover picture, as many taggers embed
    tag = b"ID3\x03\x00\x00" + bytes(cover >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(cover)
    for name in ("mp3_bare", "aac", "flac"):
        path = tmp_path / name
        path.write_bytes(tag + tag + (media / name).read_bytes())
        assert song_type(path) == identify(media / name)


def test_rubbish_before_the_first_frame_is_passed_over(media: Path, tmp_path: Path) -> None:
    path = tmp_path / "song"
    path.write_bytes(b"\x00\xff\xfa\x01" * 5000 + (media / "mp3_bare").read_bytes())
    assert song_type(path) == filetypes.MP3


def test_a_single_frame_at_the_very_end_is_a_song(media: Path, tmp_path: Path) -> None:
    content = (media / "mp3_8kHz").read_bytes()
    second = content.index(content[:2], 4)
    path = tmp_path / "song"
    path.write_bytes(content[:second])
    assert song_type(path) == filetypes.MP3


def test_a_polyglot_is_what_it_begins_with(media: Path, tmp_path: Path) -> None:
    path = tmp_path / "both"
    path.write_bytes((media / "JPEG").read_bytes() + (media / "mp3").read_bytes())
    assert identify(path) == filetypes.JPEG
    path.write_bytes((media / "mp3").read_bytes() + (media / "JPEG").read_bytes())
    assert identify(path) == filetypes.MP3
    path.write_bytes(b"#EXTM3U\n" + (media / "mp3").read_bytes())
    assert identify(path).kind is FileKind.PLAYLIST


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        ([b"mif1", b"", b"mif1", b"avif"], filetypes.AVIF),
        ([b"mif1", b"", b"mif1", b"heic"], filetypes.HEIF),
        ([b"heix", b"", b"mif1"], filetypes.HEIF),
        ([b"isom", b"", b"mif1", b"avif"], filetypes.MP4),
        ([b"M4B ", b"", b"isom"], filetypes.M4A),
        ([b"qt  ", b"", b"qt  "], filetypes.QUICKTIME),
    ],
)
def test_brands_tell_pictures_sound_and_video_apart(tmp_path: Path, brands: list[bytes], expected: FileType) -> None:
    body = b"".join(brand.ljust(4, b"\0") for brand in brands)
    path = tmp_path / "file"
    path.write_bytes(struct.pack(">I", 8 + len(body)) + b"ftyp" + body + b"\0\0\0\x08free")
    assert identify(path) == expected


def test_an_old_quicktime_file_begins_with_any_atom(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat")
    assert identify(path) == filetypes.QUICKTIME


def test_an_empty_file_and_no_file_have_codes_of_their_own(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp3"
    empty.touch()
    for path, code in ((empty, ErrorCode.FILE_EMPTY), (tmp_path / "gone.mp3", ErrorCode.FILE_MISSING)):
        with pytest.raises(BadInput) as caught:
            song_type(path)
        assert caught.value.code is code
        assert caught.value.params == {"name": path.name}


def test_folders_and_pipes_are_no_files(tmp_path: Path) -> None:
    import os

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/zero")):
        with pytest.raises(BadInput) as caught:
            identify(path)
        assert caught.value.code is ErrorCode.FILE_MISSING


STARTS = [
    b"",
    b"ID3\x04\x00\x10",
    b"\xff\xfb\x90\x64",
    b"\xff\xf1\x50\x80",
    b"RIFF\0\0\0\0WEBP",
    b"OggS\0",
    b"BM",
    b"\x47",
]


@settings(deadline=None, max_examples=300)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=2000))
@example(start=b"OggS\0", rest=b"")
@example(start=b"BM", rest=bytes(16))
def test_any_bytes_get_an_answer(tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes((start + rest) or b"\0")
    assert identify(path).kind in FileKind


@pytest.mark.parametrize(
    "pattern", [b"\xff", b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80\x01\x00\x00", b" \n", b"<a ", b"file\t"]
)
def test_no_pattern_takes_long(tmp_path: Path, pattern: bytes) -> None:
    path = tmp_path / "song"
    path.write_bytes(pattern * (100_000 // len(pattern)))
    began = time.process_time()
    identify(path)
    assert time.process_time() - began < 1.0


def test_pillow_agrees_about_an_animated_webp(tmp_path: Path) -> None:
    content = BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(content, format="WEBP", save_all=True, append_images=frames[1:])
    path = tmp_path / "moving"
    path.write_bytes(content.getvalue())
    assert picture_type(path) == filetypes.WEBP
