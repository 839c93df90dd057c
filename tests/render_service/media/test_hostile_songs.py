"""Songs that try to make the decoder open something else: a second file, or an address on the network."""

import socket
import struct
import subprocess
import sys
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


def movie(reference: bytes, *, codec: bytes, samples: int, sample_bytes: int, duration: int) -> bytes:
    """A QuickTime movie of one track without samples of its own (QTFF, "Movie Atoms").

    reference: the atom that says where the samples lie. duration: of one sample, at 44.1 kHz.
    """
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    description = box(codec, bytes(6), struct.pack(">HHHIHHHHI", 1, 0, 0, 0, 1, 16, 0, 0, 44_100 << 16))
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), description),
        box(b"stts", struct.pack(">IIII", 0, 1, samples, duration)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, samples, 1)),
        box(b"stsz", struct.pack(">III", 0, sample_bytes, samples)),
        box(b"stco", struct.pack(">III", 0, 1, 44)),
    )
    source = box(b"dinf", box(b"dref", struct.pack(">II", 0, 1), reference))
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 44_100, samples, 0, 0)),
        box(b"hdlr", bytes(4), b"mhlrsoun", bytes(13)),
        box(b"minf", box(b"smhd", bytes(8)), source, table),
    )
    track_header = struct.pack(">IIIIIIQHHHH", 15, 0, 0, 1, 0, samples, 0, 0, 0, 256, 0)
    track = box(b"trak", box(b"tkhd", track_header, matrix, bytes(8)), media)
    movie_header = struct.pack(">IIIIIIH10x", 0, 0, 0, 44_100, samples, 0x10000, 256)
    header = box(b"mvhd", movie_header, matrix, bytes(24), struct.pack(">I", 2))
    return box(b"ftyp", b"qt  ", bytes(4), b"qt  ") + box(b"moov", header, track)


def neighbour(name: str) -> bytes:
    """A data reference by alias: this file of the same folder."""
    alias = bytearray(150)
    struct.pack_into(">HB27s", alias, 8, 0, 1, b"d")  # kind, then the volume's name
    encoded = name.encode()
    alias[50] = len(encoded)
    alias[51 : 51 + len(encoded)] = encoded
    struct.pack_into(">hh", alias, 130, 1, 1)  # levels from alias to target
    path = struct.pack(">hH", 2, len(encoded)) + encoded + struct.pack(">hH", -1, 0)
    return box(b"alis", bytes(4), bytes(alias), path)


def test_a_movie_whose_sound_lies_in_another_file_is_damaged(
    song: MakeSong, tmp_path: Path, reader: PyAVSongReader
) -> None:
    ffmpeg("-i", song("wav"), "-ac", "1", "-f", "wav", tmp_path / "secret.wav")
    path = tmp_path / "song.mov"
    path.write_bytes(movie(neighbour("secret.wav"), codec=b"sowt", samples=88_200, sample_bytes=2, duration=1))
    with av.open(str(path), options={"enable_drefs": "1"}) as careless:
        stolen = next(careless.decode(audio=0)).to_ndarray()
    assert np.abs(stolen).max() > 0, "the file does not attack at all"
    assert refused(reader, path) is ErrorCode.SONG_DAMAGED


def test_codecs_that_songs_do_not_use_are_not_decoded(song: MakeSong, tmp_path: Path, reader: PyAVSongReader) -> None:
    ffmpeg("-i", song("wav"), "-c:a", "wavpack", "-f", "matroska", tmp_path / "odd")
    assert refused(reader, tmp_path / "odd") is ErrorCode.SONG_NOT_AUDIO


MEASURE = """
import resource, sys
from pathlib import Path
from render_service.media.songs import PyAVSongReader
from shared.errors import BadSong
from shared.settings import IntakeLimits
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    PyAVSongReader(IntakeLimits()).probe(Path(sys.argv[1]))
except BadSong as error:
    print(error.code, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_movie_that_claims_millions_of_packets_fills_no_memory(tmp_path: Path) -> None:
    here = box(b"url ", bytes(3) + b"\1")
    path = tmp_path / "bomb"
    path.write_bytes(movie(here, codec=b"mp4a", samples=50_000_000, sample_bytes=8, duration=1024))
    assert path.stat().st_size < 1000
    argv = [sys.executable, "-c", MEASURE, str(path)]
    code, grown_mb = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    assert code == ErrorCode.SONG_DAMAGED
    assert int(grown_mb) < 50


def test_a_rate_of_one_sample_a_second_is_damaged(tmp_path: Path, reader: PyAVSongReader) -> None:
    sound = bytes(1_000_000)
    form = struct.pack("<HHIIHH", 1, 2, 1, 4, 4, 16)
    path = tmp_path / "slow"
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", len(sound)) + sound
    )  # fmt: skip
    assert refused(reader, path) is ErrorCode.SONG_DAMAGED
