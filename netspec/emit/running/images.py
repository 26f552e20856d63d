"""Images as inputs: PNG and JPEG files as [channels, height, width], of numbers from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from netspec.emit.extras import require
from netspec.emit.running.arrays import LARGEST
from netspec.emit.running.conversion import supported
from netspec.emit.running.ports import Port
from netspec.emit.running.refusal import Refused, size_of
from netspec.emit.style import size_text

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

PIXELS = 2**25  # of one image
FILE_BYTES = 2**28  # of its file
_ORIENTATION = 0x0112  # of EXIF
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # by channels
_NAMES = {"L": "grey", "1": "black and white", "P": "palette", "LA": "grey and alpha"}
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # greys of 16 bits


class Wanted(NamedTuple):
    """What an input takes; None where the image decides."""

    channels: int | None
    height: int | None
    width: int | None
    plane: bool  # [H, W], without an axis of channels


def wanted(port: Port) -> Wanted:
    """What an input takes of an image. Raises Refused where it is none."""
    dtype = supported(port)
    sizes = [size if isinstance(size, int) else None for size in port.sample]
    if dtype.kind != "f" and port.dtype != "uint8":
        raise Refused(f"{port.name} is {port.dtype}: an image can be given to inputs of floats or uint8")
    if len(sizes) == 2:
        return Wanted(1, sizes[0], sizes[1], True)
    if len(sizes) != 3 or sizes[0] not in (*_MODES, None):
        raise Refused(f"{port}, which is no image: [C, H, W] with 1, 3 or 4 channels, or [H, W]")
    return Wanted(sizes[0], sizes[1], sizes[2], False)


def read(port: Port, paths: Sequence[str]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """A batch of images, and what was done to each. Raises Refused."""
    require("onnx", "PIL")
    import numpy as np

    what = wanted(port)
    arrays: list[np.ndarray[Any, Any]] = []
    said = []
    for path in paths:
        array, text = _one(path, what, port.dtype == "uint8")
        made = np.ascontiguousarray(array, supported(port))
        if arrays and made.shape != arrays[0].shape:
            raise Refused(f"{path} is {_size(made)}, and {paths[0]} {_size(arrays[0])}: a batch has one size")
        if made.nbytes * len(paths) > LARGEST:
            raise Refused(f"{len(paths):,} images are too many: at most {size_text(LARGEST)} can be given")
        arrays.append(made)
        said.append(text)
    return np.stack(arrays) if port.batched else arrays[0], said


def _size(array: np.ndarray[Any, Any]) -> str:
    return f"{array.shape[-1]}x{array.shape[-2]}"


def _one(path: str, what: Wanted, whole: bool) -> tuple[np.ndarray[Any, Any], str]:
    """An image as [C, H, W] or [H, W]; `whole`: of whole numbers from 0 to 255."""
    import numpy as np

    image, done = _opened(path)
    channels = what.channels or {"RGB": 3, "RGBA": 4}.get(_plain_mode(image), 1)
    image, most = _in_mode(image, channels, done)
    array = np.asarray(_resized(image, what, path, done))
    if most == 1:  # greys of 16 bits, as floats
        array = array.clip(0, 1)
        done.append("divided by 65535" if not whole else "divided by 257")
        array = np.rint(array * 255) if whole else array
    elif not whole:
        array = array.astype(np.float32)
        array /= 255
        done.append("divided by 255")
    planes = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    planes = _spread(planes, channels, 255 if whole else 1)
    return planes[0] if what.plane else planes, f"{path} {', '.join(done)}"


def _spread(planes: np.ndarray[Any, Any], channels: int, opaque: int) -> np.ndarray[Any, Any]:
    """Greys as so many channels."""
    import numpy as np

    if len(planes) == channels:
        return planes
    out = np.repeat(planes, channels, axis=0)
    if channels == 4:
        out[3] = opaque
    return out


def _name(image: Image) -> str:
    return "16-bit grey" if image.mode in _DEEP else _NAMES.get(image.mode, image.mode)


def _plain_mode(image: Image) -> str:
    """The mode that an image has without its palette or its colour space."""
    if image.mode in ("L", "1", *_DEEP):
        return "L"
    if image.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info:
        return "RGBA"
    return "RGB"


def _resized(image: Image, what: Wanted, path: str, done: list[str]) -> Image:
    """The image in the size that is wanted."""
    from PIL.Image import Resampling

    width, height = what.width or image.width, what.height or image.height
    if (width, height) == image.size:
        return image
    if width * height > PIXELS:
        raise Refused(f"{path} cannot be resized to {width:,} x {height:,}: at most {PIXELS:,} pixels")
    done.append(f"resized to {width}x{height}")
    return image.resize((width, height), Resampling.BILINEAR)  # of all pixels that a new one covers


def _in_mode(image: Image, channels: int, done: list[str]) -> tuple[Image, int]:
    """The image with the channels that are wanted, and the number that stands for white."""
    import numpy as np
    from PIL import Image as images

    mode = _MODES[channels]
    if image.mode in _DEEP:
        if mode != "L":
            done[0] += f" -> {_NAMES.get(mode, mode)}"
        return images.fromarray(np.asarray(image).astype(np.float32) / 65535), 1
    known = image.mode
    if _plain_mode(image) == "RGBA" and mode != "RGBA":
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] != 255:
            image = images.alpha_composite(images.new("RGBA", image.size, "white"), image)
            done[0] += " on white"
        image = image.convert("RGB")
    if known != mode:
        done[0] += f" -> {_NAMES.get(mode, mode)}"
    return image.convert(mode), 255


def _opened(path: str) -> tuple[Image, list[str]]:
    """An image that is read in full, upright, and what it was. Raises Refused."""
    import warnings

    from PIL import Image as images
    from PIL import ImageOps, UnidentifiedImageError

    if size_of(path) > FILE_BYTES:
        raise Refused(f"{path} is too large: an image's file has at most {size_text(FILE_BYTES)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF, and of sizes, which are checked here
            with images.open(path, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > PIXELS:
                    raise Refused(f"{path} is too large: {image.width:,} x {image.height:,}, at most {PIXELS:,} pixels")
                image.load()
                done = [f"{image.width}x{image.height} {_name(image)}"]
                if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
                    done.append("turned as its EXIF says")
                ImageOps.exif_transpose(image, in_place=True)
                return image, done
    except Refused:
        raise
    except UnidentifiedImageError:
        raise Refused(f"{path} is damaged: it cannot be read as PNG or JPEG") from None
    except images.DecompressionBombError:
        raise Refused(f"{path} is too large: at most {PIXELS:,} pixels can be read") from None
    except MemoryError:
        raise Refused(f"{path} does not fit in memory") from None
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error, zlib.error and others
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Refused(f"{path} is damaged: {reason[:100]}") from None
