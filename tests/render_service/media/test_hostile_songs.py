"""Songs that try to make the decoder open something else: a second file, or an address on the network."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import av.error
import numpy as np
import pytest

from render_service.media import decode
from render_service.media.songs import PyAVSongReader
from shared.errors import BadSong, ErrorCode
from shared.settings import IntakeLimits
from tests.render_service.media.sounds import ffmpeg

MakeSong = Callable[[str], Path]


class Listener:
    """A port of this machine that answers nobody and remembers whether anyone knocked."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.knocked = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.knocked.set()
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def reader(limits: IntakeLimits) -> PyAVSongReader:
    return PyAVSongReader(limits)


def refused(reader: PyAVSongReader, path: Path) -> ErrorCode:
    with pytest.raises(BadSong) as raised:
        reader.probe(path)
    with pytest.raises(BadSong):
        list(reader.blocks(path, rate=16_000))
    return raised.value.code


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile '{file}'\n",
    "bare concat": "file '{file}'\n",
    "m3u": "#EXTM3U\n{file}\n",
    "pls": "[playlist]\nFile1={file}\nNumberOfEntries=1\n",
    "cue": 'PERFORMER "X"\nFILE "{file}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD type="static"><BaseURL>http://127.0.0.1:{port}/a</BaseURL></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
    "xspf": '<?xml version="1.0"?><playlist><track><location>file://{file}</location></track></playlist>',
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_playlists_are_refused_and_followed_nowhere(
    kind: str, song: MakeSong, tmp_path: Path, reader: PyAVSongReader, listener: Listener
) -> None:
    path = tmp_path / "song.mp3"
    path.write_text(PLAYLISTS[kind].format(file=song("wav"), port=listener.port))
    assert refused(reader, path) is ErrorCode.SONG_IS_PLAYLIST
    assert not listener.knocked.is_set()


@pytest.mark.parametrize(("kind", "demuxer"), [("concat", "concat"), ("hls", "hls")])
def test_even_a_demuxer_that_follows_lists_gets_no_second_file(
    kind: str, demuxer: str, song: MakeSong, tmp_path: Path, listener: Listener
) -> None:
    """The second line of defence, with the first one gone: the list reaches the very demuxer it is meant for."""
    path = tmp_path / "song.mp3"
    path.write_text(PLAYLISTS[kind].format(file=song("wav"), port=listener.port))
    with path.open("rb") as file, pytest.raises((av.error.FFmpegError, PermissionError, ValueError)):  # noqa: SIM117
        with decode._open(file, demuxer) as container:
            next(container.decode(audio=0))
    assert not listener.knocked.is_set()


def test_without_the_defence_the_lists_would_be_followed(song: MakeSong, tmp_path: Path, listener: Listener) -> None:
    """What the two tests above hold back is real."""
    path = tmp_path / "list"
    path.write_text(PLAYLISTS["concat"].format(file=song("wav"), port=listener.port))
    with av.open(str(path), format="concat", options={"safe": "0"}) as container:
        assert next(container.decode(audio=0)).samples
    path.write_text(PLAYLISTS["hls"].format(file=song("wav"), port=listener.port))
    with pytest.raises(av.error.FFmpegError):
        av.open(str(path), format="hls", options={"protocol_whitelist": "file,http,tcp"})
    assert listener.knocked.wait(5)


def box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def movie_with_external_data(name: str) -> bytes:
    """A QuickTime movie without samples of its own: its data reference names a neighbour (QTFF)."""
    frames = 2 * 44_100
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    alias = bytearray(150)
    struct.pack_into(">HB27s", alias, 8, 0, 1, b"d")  # kind, then the volume's name
    encoded = name.encode()
    alias[50] = len(encoded)
    alias[51 : 51 + len(encoded)] = encoded
    struct.pack_into(">hh", alias, 130, 1, 1)  # levels from alias to target
    reference = box(
        b"alis", bytes(4), bytes(alias) + struct.pack(">hH", 2, len(encoded)) + encoded + struct.pack(">hH", -1, 0)
    )
    description = box(b"sowt", bytes(6), struct.pack(">HHHIHHHHI", 1, 0, 0, 0, 1, 16, 0, 0, 44_100 << 16))
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), description),
        box(b"stts", struct.pack(">IIII", 0, 1, frames, 1)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, frames, 1)),
        box(b"stsz", struct.pack(">III", 0, 2, frames)),
        box(b"stco", struct.pack(">III", 0, 1, 44)),
    )
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 44_100, frames, 0, 0)),
        box(b"hdlr", bytes(4), b"mhlrsoun", bytes(13)),
        box(b"minf", box(b"smhd", bytes(8)), box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), reference)), table),
    )
    track = box(
        b"trak",
        box(b"tkhd", struct.pack(">IIIIIIQHHHH", 15, 0, 0, 1, 0, frames, 0, 0, 0, 256, 0), matrix, bytes(8)),
        media,
    )
    header = box(
        b"mvhd",
        struct.pack(">IIIIIIH10x", 0, 0, 0, 44_100, frames, 0x10000, 256),
        matrix,
        bytes(24),
        struct.pack(">I", 2),
    )
    return box(b"ftyp", b"qt  ", bytes(4), b"qt  ") + box(b"moov", header, track)


def test_a_movie_whose_sound_lies_in_another_file_is_damaged(
    song: MakeSong, tmp_path: Path, reader: PyAVSongReader
) -> None:
    neighbour = tmp_path / "secret.wav"
    ffmpeg("-i", song("wav"), "-ac", "1", "-f", "wav", neighbour)
    path = tmp_path / "song.mov"
    path.write_bytes(movie_with_external_data(neighbour.name))
    with av.open(str(path), options={"enable_drefs": "1"}) as careless:
        stolen = next(careless.decode(audio=0)).to_ndarray()
    assert np.abs(stolen).max() > 0, "the file does not attack at all"
    assert refused(reader, path) is ErrorCode.SONG_DAMAGED


def test_codecs_that_songs_do_not_use_are_not_decoded(song: MakeSong, tmp_path: Path, reader: PyAVSongReader) -> None:
    ffmpeg("-i", song("wav"), "-c:a", "wavpack", "-f", "matroska", tmp_path / "odd")
    assert refused(reader, tmp_path / "odd") is ErrorCode.SONG_NOT_AUDIO
