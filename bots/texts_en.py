"""The English sentences: short, warm, no jargon; each says what to do next."""

from bots.wording import Phrase, Wording, Wordings
from shared.errors import ErrorCode
from shared.models import Stage

_TRY_AGAIN_LATER = "Please try again in a few minutes."

_ERRORS: dict[ErrorCode, Wordings] = {
    ErrorCode.FILE_MISSING: (
        "I can't find {name}. Please check where it is and try again.",
        "I need two files, a song and a picture. Please send me both.",
    ),
    ErrorCode.FILE_EMPTY: (
        "There is nothing in {name}. Please send the file once more.",
        "One of your files arrived empty. Please send it once more.",
    ),
    ErrorCode.SONG_NOT_AUDIO: (
        "I can't hear a song in that file. Please send me an MP3, WAV, FLAC, OGG or M4A, or a video with sound.",
    ),
    ErrorCode.SONG_IS_PLAYLIST: (
        "That is only a list of songs, not the music itself. Please send me the song as a file.",
    ),
    ErrorCode.SONG_DAMAGED: ("The song seems to be damaged: I can't play it through. Please send me another copy.",),
    ErrorCode.SONG_TOO_LARGE: (
        "That song is too big for me; I can take up to {limit_mb} MB. Please send it as an MP3 or M4A.",
        "That song is too big for me. Please send it as an MP3 or M4A, which are much smaller.",
    ),
    ErrorCode.SONG_TOO_SHORT: (
        "That song is only {actual_s:duration} long. Please send me one of at least {limit_s:duration}.",
        "That song is too short. Please send me one of at least {limit_s:duration}.",
        "That song is too short to sing. Please send me a longer one.",
    ),
    ErrorCode.SONG_TOO_LONG: (
        "That song is {actual_s:duration} long and I can sing up to {limit_s:duration}. Please choose a part of it.",
        "That song is too long; I can sing up to {limit_s:duration}. Please choose a part of it.",
        "That song is too long for me. Please choose a part of it, or send me a shorter one.",
    ),
    ErrorCode.SONG_SILENT: (
        "I listened, but that song is silent. Please check that it plays on your side and send it again.",
    ),
    ErrorCode.SONG_WITHOUT_VOICE: (
        "I couldn't hear anyone singing in there. Please send me a song with a voice, or a part where someone sings.",
    ),
    ErrorCode.PICTURE_NOT_IMAGE: (
        "I can't see a picture in that file. Please send me a photo as JPEG, PNG, WebP or HEIC.",
    ),
    ErrorCode.PICTURE_DAMAGED: ("The picture seems to be damaged: I can't open it. Please send me another copy.",),
    ErrorCode.PICTURE_TOO_LARGE: (
        "That picture is too big for me; I can take up to {limit_mb} MB. Please send me a smaller one.",
        "That picture is too big for me. Please send me a smaller one.",
    ),
    ErrorCode.PICTURE_TOO_MANY_PIXELS: (
        "That picture has too many pixels; {limit_mp} megapixels are the most. Please shrink it and try again.",
        "That picture has too many pixels for me. Please shrink it and try again.",
    ),
    ErrorCode.FACE_MISSING: (
        "I can't find a face in that picture. Please send me one where a face is seen clearly from the front.",
    ),
    ErrorCode.FACE_TOO_SMALL: (
        "The face is only {pixels} pixels across; I need {needed}. Please come closer or send a bigger picture.",
        "The face is too small for me to make it sing. Please come closer or send a bigger picture.",
    ),
    ErrorCode.FACE_TURNED_AWAY: (
        "The face looks too far to the side. Please send me a picture where it looks towards the camera.",
    ),
    ErrorCode.FACE_NUMBER: (
        "You asked for face number {asked}, and I can see only {found}. Please count again from the left.",
        "I can't see a face with that number. Please count again from the left.",
    ),
    ErrorCode.OPTION_INVALID: (
        "I can't use that value for {name}. Please try again; this works: {allowed}.",
        "I can't use that value for {name}. Please choose another and try again.",
        "One of the options doesn't work. Please check them and try again.",
    ),
    ErrorCode.RANGE_OUTSIDE_SONG: (
        "The song is only {duration_s:duration} long. Please choose a start and an end within it.",
        "The part you chose lies outside the song. Please choose a start and an end within it.",
    ),
    ErrorCode.VIDEO_CANNOT_FIT: (
        "Even a small video of this does not fit into {limit_mb} MB. Please choose a shorter part of the song.",
        "Even a small video of this would be too big to send. Please choose a shorter part of the song.",
    ),
    ErrorCode.BACKGROUND_NOT_SEPARABLE: (
        "I can't cut you out of that picture well. Please keep its background, or send one with more around you.",
    ),
    ErrorCode.TOO_MANY_WAITING: (
        "You have {limit} waiting already, as many as I can take. Let me finish one first, then send me the next.",
        "You already have a few songs waiting. Let me finish one first, then send me the next.",
    ),
    ErrorCode.QUEUE_DRAINING: (f"I'm taking a short break for maintenance. {_TRY_AGAIN_LATER}",),
    ErrorCode.CANCELLED: ("All right, I've stopped. Send me the song again whenever you like.",),
    ErrorCode.WEIGHTS_MISSING: (
        "Something I need for singing isn't installed yet. Please tell whoever runs me, then try again.",
    ),
    ErrorCode.MEDIA_TOOL_FAILED: (
        "I couldn't put the video together, and that's on me. Please try again, perhaps with another copy of the song.",
    ),
    ErrorCode.ASSET_MISSING: ("I no longer have those files, sorry. Please send me the song and the picture again.",),
    ErrorCode.ASSET_UNREADABLE: (
        "I can't open the files I kept for you, sorry. Please send me the song and the picture again.",
    ),
    ErrorCode.QUEUE_UNREACHABLE: (f"I can't reach my stage right now, sorry. {_TRY_AGAIN_LATER}",),
    ErrorCode.WORKER_LOST: ("I lost my voice in the middle of the song, sorry. Please send it once more.",),
    ErrorCode.INTERNAL: (f"Something went wrong on my side, sorry. {_TRY_AGAIN_LATER}",),
}

_STAGES = {
    Stage.SEPARATE: "Finding the voice in the song",
    Stage.PERFORM: "Learning how it is sung",
    Stage.RIG: "Getting to know the face",
    Stage.ANIMATE: "Singing",
    Stage.FINISH: "Putting the video together",
}

_PHRASES: dict[Phrase, Wordings] = {
    Phrase.ACCEPTED: ("Got it! I'll sing this for you.",),
    Phrase.WAITING: (
        "You're number {position} in line, about {eta_s:duration} to go.",
        "You're number {position} in line.",
        "You're in line, about {eta_s:duration} to go.",
        "You're in line.",
    ),
    Phrase.WAITING_NEXT: ("You're next, about {eta_s:duration} to go.", "You're next."),
    Phrase.STARTING: ("Warming up…",),
    Phrase.RUNNING: (
        "{stage}: {percent}%, about {eta_s:duration} to go.",
        "{stage}: {percent}%.",
        "{stage}, about {eta_s:duration} to go.",
        "{stage}…",
        "Singing…",
    ),
    Phrase.DONE: ("Here it is!",),
}

ENGLISH = Wording(errors=_ERRORS, stages=_STAGES, phrases=_PHRASES)
