"""Chooses the face that shall sing, and refuses kindly where none can."""

from render_service.portrait.face import Face
from render_service.portrait.finder import size_px
from render_service.portrait.head import head_frame, misfit_cm
from shared.errors import BadPortrait, ErrorCode

MIN_FACE_PX = 48
"""Longer side of the smallest face with enough of a mouth to animate: lips are 3 px thick there."""
MAX_YAW_DEG = 45.0
"""Beyond, the far half of the mouth is a guess."""
MAX_MISFIT_CM = 0.65
"""Landmarks this unlike a face are guesses: seen from behind, upside down. Portraits stay under 0.43, even a dog's."""


def choose_face(faces: list[Face], number: int | None) -> Face:
    """faces: left to right; number: counted from the left from 1, or None for the largest.

    Raises BadPortrait (FACE_MISSING, FACE_NUMBER, FACE_TOO_SMALL, FACE_TURNED_AWAY).
    """
    if not faces:
        raise BadPortrait(ErrorCode.FACE_MISSING)
    if number is not None and not 1 <= number <= len(faces):
        raise BadPortrait(ErrorCode.FACE_NUMBER, asked=number, found=len(faces))
    face = max(faces, key=size_px) if number is None else faces[number - 1]
    _refuse_unfit(face)
    return face


def _refuse_unfit(face: Face) -> None:
    pixels = round(size_px(face))
    if pixels < MIN_FACE_PX:
        raise BadPortrait(ErrorCode.FACE_TOO_SMALL, pixels=pixels, needed=MIN_FACE_PX)
    yaw, misfit = head_frame(face.landmarks).yaw_pitch_roll[0], misfit_cm(face.landmarks)
    if abs(yaw) > MAX_YAW_DEG or misfit > MAX_MISFIT_CM:
        raise BadPortrait(
            ErrorCode.FACE_TURNED_AWAY, f"yaw {yaw:.0f} degrees, misfit {misfit:.2f} cm", degrees=round(abs(yaw))
        )
