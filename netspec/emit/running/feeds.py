"""What a model is run with: the inputs that are given, and random numbers for the others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from netspec.diagnostics import nearest
from netspec.emit.running import arrays, images
from netspec.emit.running.arrays import Given
from netspec.emit.running.conversion import check_dtype, converted, supported
from netspec.emit.running.ports import Bound, Port, check_formulas, fit, resolved, shape_text, symbol_of
from netspec.emit.running.refusal import Refused, size_of
from netspec.emit.style import size_text
from netspec.ir.dims import Expr

if TYPE_CHECKING:
    import numpy as np

RANDOM = "random"
_SMALL = 2  # bound of random integers that choose from nothing that is known


class Feeds(NamedTuple):
    """The arrays by input. `said`: what was done for each; `files`: those that were read."""

    arrays: dict[str, np.ndarray[Any, Any]]
    said: list[str]
    files: list[str]
    samples: int


def feeds(
    ports: Sequence[Port], inputs: Sequence[str], batch: int, seed: int, sizes: Mapping[str, int] | None = None
) -> Feeds:
    """The inputs that `--input` gives, and random ones. `sizes`: of symbols. Raises Refused."""
    chosen = assigned(ports, inputs)
    known = {name: Bound(size, f"--set {name}") for name, size in (sizes or {}).items()}
    made: dict[str, np.ndarray[Any, Any]] = {}
    said: dict[str, list[str]] = {}
    sources: list[tuple[Port, str]] = []
    for port in ports:
        texts = chosen.get(port.name, [RANDOM])
        if texts == [RANDOM]:
            continue
        made[port.name], said[port.name] = _read(port, texts, known)
        sources.append((port, texts[0]))
    for port, source in sources:
        check_formulas(port, made[port.name].shape, source, known)
    for port in ports:
        if port.name not in made:
            made[port.name], said[port.name] = _random(port, batch, seed, known)
    samples = next((made[port.name].shape[0] for port in ports if port.batched), 1)
    given = [port for port, _ in sources if port.batched]
    if given and batch not in (1, samples):
        raise Refused(f"--batch {batch} is for random inputs; {given[0].name} is given with {samples:,}")
    files = [_path_of(text)[0] for texts in chosen.values() for text in texts if text != RANDOM]
    order = [port.name for port in ports]
    return Feeds(made, [f"{name}: {text}" for name in order for text in said[name]], files, samples)


def from_arrays(ports: Sequence[Port], inputs: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Arrays, or one for a sole input, as the inputs take them. Raises Refused."""
    if not isinstance(inputs, Mapping):
        if len(ports) != 1:
            raise Refused(f"there are {len(ports)} inputs: give them by name, {_listed(ports)}")
        inputs = {ports[0].name: inputs}
    for name in inputs:
        _find(ports, str(name))
    known: dict[str, Bound] = {}
    made = {}
    for port in ports:
        if port.name not in inputs:
            raise Refused(f"the input {port.name} is not given")
        made[port.name], _ = _as(port, arrays.given(inputs[port.name], "the array"), known)
    for port in ports:
        check_formulas(port, made[port.name].shape, "the array", known)
    return made


# -- which value is for which input ---------------------------------------------------------------------


def assigned(ports: Sequence[Port], inputs: Sequence[str]) -> dict[str, list[str]]:
    """The values of `--input` by input. Raises Refused."""
    found: dict[str, list[str]] = {}
    names = {port.name for port in ports}
    for text in inputs:
        name, equal, value = text.partition("=")
        if not (equal and name in names):
            if len(ports) == 1 and (not equal or os.path.exists(text)):
                name, value = ports[0].name, text
            elif equal:
                _find(ports, name)
            else:
                told = f"{_listed(ports)}; write {ports[0].name}={text}" if ports else "there are none"
                raise Refused(f"which input is {text} for? {told[0].upper()}{told[1:]}")
        if not value:
            raise Refused(f"--input {name}= has no value: give a .npy file, an image, or {RANDOM}")
        found.setdefault(name, []).append(value)
    return found


def _find(ports: Sequence[Port], name: str) -> None:
    """Raises Refused where there is no input of a name."""
    names = [port.name for port in ports]
    if name not in names:
        close = nearest(name, names)
        told = _listed(ports)
        told = f"did you mean `{close}`? {told[0].upper()}{told[1:]}" if close else told
        raise Refused(f"there is no input `{name}`: {told}")


def _listed(ports: Sequence[Port]) -> str:
    if not ports:
        return "there are no inputs"
    listed = ", ".join(f"`{port.name}` {shape_text(port.sample)}" for port in ports)
    return f"the input{'s are' if len(ports) > 1 else ' is'} {listed}"


# -- values ---------------------------------------------------------------------------------------------


def _read(port: Port, texts: Sequence[str], known: dict[str, Bound]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """The value of an input from files, and what was done."""
    if RANDOM in texts:
        raise Refused(f"--input {port.name} is given twice: {RANDOM} stands alone")
    kinds = {text: _kind(text) for text in texts}
    if set(kinds.values()) == {"image"}:
        made, said = images.read(port, texts)
        fit(port, made.shape, texts[0] if len(texts) == 1 else "the batch of images", known)
        return made, said
    if len(texts) > 1:
        raise Refused(f"--input {port.name} is given twice: only images make a batch")
    path, member = _path_of(texts[0])
    given = arrays.npy(path) if kinds[texts[0]] == "npy" else arrays.npz(path, member, port.name)
    array, done = _as(port, given, known)
    return array, [f"{given.source} {shape_text(array.shape)}" + "".join(f", {text}" for text in done)]


def _as(port: Port, given: Given, known: dict[str, Bound]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """An array as the input takes it, and what was done for that."""
    fitted = fit(port, given.shape, given.source, known)
    check_dtype(port, given)
    array, done = converted(port, given)
    said = [*(["one sample: an axis for the batch is added"] if fitted.added_batch else []), *([done] if done else [])]
    return array.reshape(fitted.shape), said


def _path_of(text: str) -> tuple[str, str | None]:
    """A path, and the member of a .npz file after a colon."""
    path, colon, member = text.rpartition(":")
    if colon and not os.path.exists(text) and os.path.exists(path):
        return path, member
    return text, None


def _kind(text: str) -> str:
    """What a file is, by its first bytes."""
    path, member = _path_of(text)
    size_of(path)
    with open(path, "rb") as file:
        head = file.read(8)
    kinds = {b"\x93NUMPY": "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz", b"\x89PNG": "image", b"\xff\xd8": "image"}
    kind = next((kind for start, kind in kinds.items() if head.startswith(start)), None)
    if kind is None:
        raise Refused(f"{path} is no input: give a .npy, .npz, PNG or JPEG file, or {RANDOM}")
    if member is not None and kind != "npz":
        raise Refused(f"{path} has no members: only .npz files have")
    return kind


def _random(port: Port, batch: int, seed: int, known: dict[str, Bound]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Random numbers for an input."""
    import numpy as np

    dtype, shape = supported(port), _random_shape(port, batch, known)
    size = float(np.prod([float(n) for n in shape])) * max(dtype.itemsize, 8)
    if size > arrays.LARGEST:
        raise Refused(f"{port.name} {shape_text(shape)} is too large: at most {size_text(arrays.LARGEST)} can be given")
    generator = np.random.default_rng([seed, crc32(port.name.encode())])
    drawn: np.ndarray[Any, Any]
    if dtype.kind == "f":
        drawn = generator.standard_normal(shape, np.float64 if dtype.itemsize == 8 else np.float32)
        how = "standard normal"
    elif dtype.kind == "b":
        drawn, how = truth_values(generator, shape), "truth values"
    else:
        bound = min(_SMALL if port.rows is None else port.rows, int(np.iinfo(dtype).max))
        drawn, how = generator.integers(0, bound, shape), f"integers below {bound:,}"
    return np.asarray(drawn, dtype), [f"random {shape_text(shape)}, {how}, from seed {seed}"]


def truth_values(generator: np.random.Generator, shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """Random ones for a mask, of which the first along the last axis are true: so that every position sees something,
    also if it sees no later ones."""
    made: np.ndarray[Any, Any] = generator.integers(0, 2, shape) > 0
    made[..., :1] = True
    return made


def _random_shape(port: Port, batch: int, known: dict[str, Bound]) -> tuple[int, ...]:
    """A shape for an input that is not given. Raises Refused where a size is not known."""
    if port.axes is None:
        raise Refused(f"{port}: give its value, --input {port.name}=x.npy")
    shape = []
    for axis, size in enumerate(port.axes):
        if axis == 0 and port.free_batch and not (isinstance(size, Expr) and size.symbols & known.keys()):
            name = symbol_of(size)
            if name is not None:
                known[name] = Bound(batch, "--batch")
            shape.append(batch)
            continue
        found = None if size is None else resolved(size, known)
        if not isinstance(found, int):
            raise Refused(f"{port}: {_remedy(port, found)}")
        if found < 1:
            raise Refused(f"{port}: {size} would be {found}")
        shape.append(found)
    if port.batched and not port.free_batch and batch not in (1, shape[0]):
        raise Refused(f"{port}: it takes {shape[0]:,} at once, not {batch:,}")
    return tuple(shape)


def _remedy(port: Port, size: Expr | None) -> str:
    if size is None:
        return f"a size is not known, give the input, --input {port.name}=x.npy"
    symbols = sorted(size.symbols)
    return f"give {symbols[0]} a value, --set {symbols[0]}=64, or the input, --input {port.name}=x.npy"
