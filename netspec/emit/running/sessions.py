"""Models in onnxruntime, and what it says in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import nearest
from netspec.emit.running.refusal import Refused
from netspec.emit.style import printable

if TYPE_CHECKING:
    import numpy as np

_SUFFIX = "ExecutionProvider"
_CPU = "CPU" + _SUFFIX
_FATAL = 4  # the only messages that onnxruntime prints by itself: failures are exceptions
_PLACE = re.compile(r"[\w/-]+\.(?:cc|h):\d+ (?:[\w:]+ (?=[A-Z])|[^()]*\([^()]*\)(?: const)? |)")  # where it was thrown
_LONGEST = 300  # characters of a message
_WARM_UP = 3  # runs that are not measured


def short(provider: str) -> str:
    return provider.removesuffix(_SUFFIX)


def provider_of(name: str | None) -> str:
    """The provider of a name, with or without `ExecutionProvider`. Raises Refused."""
    if name is None:
        return _CPU
    import onnxruntime

    known: dict[str, str] = {short(provider).lower(): provider for provider in onnxruntime.get_available_providers()}
    wanted = re.sub(f"{_SUFFIX}$", "", name, flags=re.IGNORECASE).lower()
    if wanted not in known:
        names = [short(provider) for provider in known.values()]
        close = nearest(wanted, names)
        told = f"did you mean {close}? There are" if close else "there are"
        raise Refused(f"onnxruntime has no provider {name} here: {told} {', '.join(names)}")
    return known[wanted]


class Session:
    """A model that is loaded. `name`: what it is called in messages."""

    def __init__(
        self,
        model: bytes | str,
        name: str,
        folder: str | None = None,
        provider: str = _CPU,
        threads: int = 0,
    ) -> None:
        """model: its bytes or its path. folder: of its external data. Raises Refused."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _FATAL
        options.intra_op_num_threads = threads
        if folder is not None:
            options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        providers = list(dict.fromkeys([provider, _CPU]))
        self.name = name
        try:
            self.session = onnxruntime.InferenceSession(model, options, providers=providers)
        except Exception as error:  # onnxruntime's own kinds have no common one
            raise Refused(f"onnxruntime cannot load {name}: {sentence(error)}") from None
        self.outputs: list[str] = [output.name for output in self.session.get_outputs()]
        if provider not in self.session.get_providers():
            raise Refused(f"onnxruntime cannot start {short(provider)} here: see what it has printed")

    def run(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        """The outputs. Raises Refused."""
        try:
            return dict(zip(self.outputs, self.session.run(None, dict(arrays)), strict=True))
        except Exception as error:
            raise Refused(f"onnxruntime cannot run {self.name}: {sentence(error)}") from None

    def latencies(self, arrays: Mapping[str, np.ndarray[Any, Any]], times: int) -> list[float]:
        """Seconds of so many runs, after some that warm it up."""
        given = dict(arrays)
        for _ in range(_WARM_UP):
            self.session.run(None, given)
        seconds = []
        for _ in range(times):
            start = perf_counter()
            self.session.run(None, given)
            seconds.append(perf_counter() - start)
        return seconds


def sentence(error: Exception) -> str:
    """What onnxruntime says, without its codes, files and advice."""
    text = " ".join(str(error).split())
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    text = " ".join(_PLACE.sub(" ", text).split())
    newer = re.search(r"Opset (\d+) is under development.* is till opset (\d+)", text)
    if newer:
        return f"it has opset {newer[1]}, and this onnxruntime knows opsets up to {newer[2]}"
    text = re.sub(r"^Non-zero status code .* running (\w+) node\. Name:'([^']*)' Status Message: ", r"\1 `\2`: ", text)
    text = text.replace(" ``: ", ": ", 1)
    text = text.removesuffix("Please fix either the inputs/outputs or the model.").strip()
    text = text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + " ..."
    return printable(text.rstrip("."))


def latency_text(seconds: Sequence[float], samples: int) -> str:
    """`20 runs: median 1.23 ms, p95 1.50 ms, 813 samples/s`."""
    import numpy as np

    median, p95 = np.percentile(seconds, (50, 95))
    return (
        f"{len(seconds):,} run{'' if len(seconds) == 1 else 's'}: median {_time(median)}, p95 {_time(p95)}, "
        f"{_three_digits(samples / median)} samples/s"
    )


def _time(seconds: float) -> str:
    return f"{_three_digits(seconds * 1000)} ms" if seconds < 1 else f"{_three_digits(seconds)} s"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def folder_of(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))
