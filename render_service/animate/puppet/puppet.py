"""The built-in animator: one photo as a puppet, no neural net, the same frames on every machine."""

from collections.abc import Iterator

import cv2

from render_service.animate.puppet.controls import pose_at
from render_service.animate.puppet.model import Puppet, PuppetRig, build_rig
from render_service.animate.puppet.rig import flatten, restore
from render_service.animate.puppet.sway import followed
from render_service.animate.puppet.warmup import rehearse
from render_service.portrait.understand import understand
from render_service.stages import AS_THE_PHOTO, Frame, FrameSize, Look, Performance, Rig


class PuppetAnimator:
    """The `Animator` of every machine: it holds nothing, a rig says everything."""

    def warm_up(self) -> None:
        """Compiles everything a frame needs, which takes some seconds the first time on a machine."""
        rehearse()

    def rig(self, picture: Frame, size: FrameSize, *, face: int | None, look: Look = AS_THE_PHOTO) -> Rig:
        """Understands the picture, and strings it up. Raises BadPortrait, BadOption, Fault (WEIGHTS_MISSING)."""
        return flatten(build_rig(understand(picture, size, face=face, look=look)))

    def animate(self, rig: Rig, performance: Performance, frames: range) -> Iterator[Frame]:
        """Frames on one core: workers share a song by segments, so OpenCV's own threads would only be in their way."""
        cv2.setNumThreads(1)
        puppet = Puppet(restore(PuppetRig, rig))
        body = followed(performance.head, performance.fps)
        for i in frames:
            yield puppet.draw(
                pose_at(
                    performance.blendshapes[i],
                    performance.head[i],
                    float(performance.breath[i]),
                    puppet.rig.limits_deg,
                    body=body[i],
                )
            )
