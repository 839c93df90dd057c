"""The `serenade` command: parses, calls, and turns every error into one sentence and an exit status."""

import logging
import re
import sys
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from pydantic import ValidationError

from cli.weights_command import app as weights_app
from shared.errors import BadInput, BadOption, Cancelled, ErrorCode, Refused, SerenadeError
from shared.models import MAX_HEIGHT, MIN_HEIGHT, FrameRate, RenderOptions

EXIT_FAULT, EXIT_BAD_INPUT, EXIT_CANCELLED = 1, 2, 130

app = typer.Typer(
    help="A song and a selfie become a video of that face singing that song.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Song = Annotated[Path, typer.Argument(help="Any file with sound: MP3, WAV, FLAC, OGG, M4A, AIFF, WebM, a video.")]
Fps = Annotated[int, typer.Option(help="Frames a second: 24, 25, 30, 50 or 60.")]
Seed = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Another seed, another performance; the same seed, the same frames.")
]


@app.command()
def sing(
    song: Song,
    selfie: Annotated[Path, typer.Argument(help="A picture with a face: PNG, JPEG, WebP, HEIC, AVIF, BMP, GIF.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the video goes.")] = Path("serenade.mp4"),
    start: Annotated[float | None, typer.Option(min=0, help="Begin here, seconds into the song.")] = None,
    end: Annotated[float | None, typer.Option(min=0, help="End here, seconds into the song.")] = None,
    height: Annotated[
        int | None,
        typer.Option(min=MIN_HEIGHT, max=MAX_HEIGHT, help="Height in pixels. Default: the picture's own, at most 720."),
    ] = None,
    fps: Fps = 25,
    seed: Seed = 0,
    face: Annotated[int | None, typer.Option(min=1, help="Which face, from the left. Default: the largest.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that render. Default: one a core.")] = None,
    background: Annotated[
        str, typer.Option(help="What is behind the singer: keep, blur, a colour as #rrggbb, or a picture's file.")
    ] = "keep",
    max_bytes: Annotated[int | None, typer.Option(min=1, help="Make the video fit this many bytes.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print what was made as JSON on the last line.")] = False,
) -> None:
    """Make the face in SELFIE sing SONG."""
    from cli.sing import run_sing  # noqa: PLC0415 - keeps `serenade --help` quick

    rate = checked_fps(fps)
    kind, behind = background_of(background)
    try:
        options = RenderOptions(
            start_s=start,
            end_s=end,
            height=height,
            fps=rate,
            seed=seed,
            face=face,
            max_bytes=max_bytes,
            background=kind,
        )
    except ValidationError as error:  # an end of 0, or no number: typer has checked everything else
        raise BadOption(ErrorCode.RANGE_OUTSIDE_SONG) from error
    run_sing(song, selfie, output, options, workers=workers, as_json=json_, background_picture=behind)


@app.command()
def separate(
    song: Song,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for vocals.wav and accompaniment.wav.")
    ] = Path(),
) -> None:
    """Take the voice out of SONG: vocals.wav and accompaniment.wav, which add up to it."""
    from cli.separate_command import separate as run  # noqa: PLC0415

    run(song, output)


@app.command()
def perform(
    song: Song,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the curves go.")] = Path("performance.csv"),
    fps: Fps = 25,
    seed: Seed = 0,
) -> None:
    """Write how SONG is sung as curves: the 52 ARKit blendshapes and the head, one row a frame."""
    from cli.perform_command import perform as run  # noqa: PLC0415

    run(song, output, fps=checked_fps(fps), seed=seed)


app.add_typer(weights_app, name="weights")


@app.command()
def worker() -> None:
    """Render for the queue at REDIS_URL until stopped."""
    from render_service.__main__ import main as work  # noqa: PLC0415

    raise typer.Exit(work([]))


@app.command()
def doctor(
    warm_up: Annotated[bool, typer.Option("--warm-up", help="Also compile and load everything once.")] = False,
) -> None:
    """Say what is installed, missing or slow, each with its remedy."""
    from cli.doctor import run_doctor  # noqa: PLC0415

    run_doctor(warm_up=warm_up)


def background_of(told: str) -> tuple[str, Path | None]:
    """The option and the picture that goes with it. Raises BadOption for a colour that is none."""
    if told in ("keep", "blur"):
        return told, None
    if told.startswith("#"):
        if not re.fullmatch("#[0-9a-fA-F]{6}", told):
            raise BadOption(
                ErrorCode.OPTION_INVALID, name="--background", allowed="keep, blur, a colour as #rrggbb, or a file"
            )
        return told, None
    return "picture", Path(told)


def checked_fps(fps: int) -> FrameRate:
    """Raises BadOption for a frame rate that videos don't have."""
    rates = get_args(FrameRate)
    if fps not in rates:
        raise BadOption(ErrorCode.OPTION_INVALID, name="--fps", allowed=", ".join(map(str, rates)))
    return cast(FrameRate, fps)


def main() -> None:
    """Runs the command and exits: 0 done, 2 bad input, 1 our fault, 130 cancelled."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        status = app(standalone_mode=False)  # a typer.Exit comes back as its status
        sys.exit(status if isinstance(status, int) else 0)
    except (KeyboardInterrupt, typer.Abort, Cancelled):
        print("Cancelled.", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_CANCELLED)
    except SerenadeError as error:
        sys.exit(explain(error))
    except Exception as usage:
        sys.exit(explain_usage(usage))


def explain(error: SerenadeError) -> int:
    """Prints one sentence for a person, logs the rest, returns the exit status."""
    from bots.texts import sentence  # noqa: PLC0415

    print(sentence(error.code, error.params), file=sys.stderr)  # noqa: T201
    if isinstance(error, (BadInput, Refused)):
        return EXIT_BAD_INPUT
    logging.getLogger("serenade").error("%s: %s", error.code, error.detail, exc_info=error.__cause__)
    return EXIT_FAULT


def explain_usage(error: Exception) -> int:
    """A wrong option gets click's own sentence; anything else is a bug, logged whole."""
    from bots.texts import sentence  # noqa: PLC0415

    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        print(error.format_message(), file=sys.stderr)  # noqa: T201
        return EXIT_BAD_INPUT
    logging.getLogger("serenade").exception("unexpected", exc_info=error)
    print(sentence(ErrorCode.INTERNAL, {}), file=sys.stderr)  # noqa: T201
    return EXIT_FAULT
