"""`python tests/fuzz/breaking.py SEED COUNT`: broken texts, each checked and told; what goes wrong, as JSON.

It is a process of its own, so that the memory that it needs at most is netspec's: torch is not imported.
"""

from __future__ import annotations

import json
import random
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from growing import random_net
from writing import text_of

from netspec.diagnostics import SpecError
from netspec.driver import compile_source
from netspec.elaborate.arguments import _constant_calls
from netspec.elaborate.files import cached_source, parsed, source_from_bytes
from netspec.syntax.parser import tokens

SECONDS, KILOBYTES = 2.0, 500_000
TESTS = Path(__file__).parents[1]
GROWN = 60  # nets of the generator among the texts
LONGEST = 8_000  # characters of a text to begin with
REPEATED = 100_000  # characters of what is repeated, all in all

CHARACTERS = "{}[]()|:=->,.\"#\n\t 0123456789xaenr_;@$'`\\&!\r\0\x1b"
CHARACTERS += "\u2192\u00e9\u202e\U0001f600\ufeff\u2028\u00a0\u0430\uff11"  # such as marks of order and look-alikes
WORDS = (
    "net", "block", "let", "use", "input", "assert", "param", "constant", "return", "from", "with", "repeat", "as",
    "for", "in", "if", "else", "reuse", "or", "and", "not", "true", "false", "where", "it", "_", "identity", "conv",
    "dense", "->", "|", "{", "}", "[", "]", "(", ")", ":", ",", "=", "==", "**", "//", "%", "-", "x.shape", "params",
    "tie=v1",
)  # fmt: skip
NUMBERS = (
    "0", "-1", "1_000_000_000", "9" * 59, "9" * 61, "9" * 5_000, "1e999", "1e-999", "0.1", "2 ** 200", "2 ** 10 ** 10",
    "10 ** 9 ** 9 ** 9", "3x" * 500 + "3", "00", "1__0", "0x10", "range(1_000_000)", "(1,) * 10",
)  # fmt: skip
INVALID = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b"\x80" * 50)


class Broken(NamedTuple):
    kind: str
    data: bytes


class Breaker:
    """Breaks texts in some way. Each method is a kind."""

    def __init__(self, texts: list[str], draw: random.Random) -> None:
        self.texts = texts
        self.draw = draw

    def __call__(self) -> Broken:
        kind = self.draw.choice(KINDS)
        made: str | bytes = getattr(self, f"by_{kind}")(self.draw.choice(self.texts))
        return Broken(kind, made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass"))

    def at(self, text: str | bytes) -> int:
        return self.draw.randrange(len(text) + 1)

    def by_bytes(self, text: str) -> bytes:
        found = bytearray(text.encode())
        for _ in range(self.draw.randint(1, 4)):
            found[self.draw.randrange(len(found))] = self.draw.randrange(256)
        return bytes(found)

    def by_invalid_bytes(self, text: str) -> bytes:
        data = text.encode()
        at = self.draw.choice([0, self.at(data), len(data)])
        return data[:at] + self.draw.choice(INVALID) + data[at:]

    def by_encoding(self, text: str) -> bytes:
        return text.encode(self.draw.choice(["utf-16", "utf-32", "utf-8-sig", "utf-16-le"]))

    def by_line_ends(self, text: str) -> str:
        end = self.draw.choice(["\r", "\r\n", "\u2028", "\x0b", "\x85", "\n\r", "; ", " "])
        return re.sub("\n", lambda _: end if self.draw.random() < 0.7 else "\n", text)

    def by_characters(self, text: str) -> str:
        for _ in range(self.draw.randint(1, 3)):
            at = self.at(text)
            text = text[:at] + "".join(self.draw.choices(CHARACTERS, k=self.draw.randint(1, 3))) + text[at:]
        return text

    def by_unicode(self, text: str) -> str:
        at = self.at(text)
        letter = chr(self.draw.choice([self.draw.randrange(0x80, 0xD800), self.draw.randrange(0xE000, 0x110000)]))
        return text[:at] + letter * self.draw.choice([1, 1, 3, 300]) + text[at + self.draw.choice([0, 1]) :]

    def by_cut(self, text: str) -> str:
        first, last = sorted((self.at(text), self.at(text)))
        cuts = [text[:first], text[first:last], text[:first] + text[last:], text + text[first:last]]
        return self.draw.choice(cuts)

    def by_lines(self, text: str) -> str:
        lines = text.split("\n")
        way = self.draw.choice(["shuffle", "swap", "drop", "double", "join"])
        one, other = self.draw.randrange(len(lines)), self.draw.randrange(len(lines))
        if way == "shuffle":
            self.draw.shuffle(lines)
        elif way == "swap":
            lines[one], lines[other] = lines[other], lines[one]
        elif way == "drop":
            del lines[one]
        elif way == "double":
            lines.insert(other, lines[one])
        else:
            lines[one : one + 2] = [" ".join(lines[one : one + 2])]
        return "\n".join(lines)

    def by_tokens(self, text: str) -> str:
        for _ in range(self.draw.randint(1, 3)):
            places = [(token.start_pos or 0, token.end_pos or 0) for token in _tokens(text)]
            (start, end), (other, stop) = self.draw.choice(places), self.draw.choice(places)
            if max(end, stop) > len(text):
                break
            ways = [text[:start] + text[end:], text[:end] + " " + text[start:]]
            ways += [text[:start] + text[other:stop] + text[end:], text[:start] + self.draw.choice(WORDS) + text[end:]]
            text = self.draw.choice(ways)
        return text

    def by_words(self, text: str) -> str:
        at = self.at(text)
        return text[:at] + " " + " ".join(self.draw.choices(WORDS, k=self.draw.randint(1, 5))) + " " + text[at:]

    def by_numbers(self, text: str) -> str:
        found = list(re.finditer(r"\d+", text))
        for match in self.draw.sample(found, min(len(found), self.draw.randint(1, 2))):
            text = text[: match.start()] + self.draw.choice(NUMBERS) + text[match.end() :]
        return text

    def by_splicing(self, text: str) -> str:
        other = self.draw.choice(self.texts)
        return text[: self.at(text)] + other[self.at(other) :]

    def by_repeating(self, text: str) -> str:
        lines = text.split("\n")
        way = self.draw.choice(["piece", "line", "lines", "token"])
        times = self.draw.choice([10, 100, 1_000])
        if way == "line":
            at = self.draw.randrange(len(lines))
            return "\n".join([*lines[:at], *[lines[at]] * bounded(times, lines[at]), *lines[at + 1 :]])
        if way == "lines":
            first, last = sorted((self.draw.randrange(len(lines)), self.draw.randrange(len(lines))))
            piece = "\n".join(lines[first : first + 8])
            return "\n".join([*lines[:first], *[piece] * bounded(times, piece), *lines[last:]])
        at, length = self.at(text), self.draw.choice([1, 2, 5, 20, 60])
        if way == "token":
            return text[:at] + (self.draw.choice(WORDS) + self.draw.choice(["", " ", "\n"])) * times + text[at:]
        return text[:at] + text[at : at + length] * times + text[at:]

    def by_nesting(self, text: str) -> str:
        at, times = self.at(text), self.draw.choice([3, 50, 99, 101, 400, 5_000])
        ways = [
            "{",
            "(",
            "[",
            "-",
            "not ",
            "add { | ",
            "repeat 2 {",
            "if true {",
            "g: {",
            "(1 if true else ",
            "2 ** ",
            "x.",
        ]
        opening = self.draw.choice(ways)
        closing = self.draw.choice(["", "}", ")", "]", " }"]) * times
        return (
            text[:at] + opening * times + self.draw.choice(["", "1", "relu", text[at : at + 30]]) + closing + text[at:]
        )


def bounded(times: int, piece: str) -> int:
    """How often a piece is repeated."""
    return min(times, REPEATED // (len(piece) + 1))


KINDS: tuple[str, ...] = tuple(name.removeprefix("by_") for name in vars(Breaker) if name.startswith("by_"))


def _tokens(text: str) -> list[Any]:
    try:
        return list(tokens(text)) or [_Whole(0, len(text))]
    except Exception:  # it is broken by now
        return [_Whole(0, len(text))]


class _Whole(NamedTuple):
    start_pos: int
    end_pos: int


def sources(seed: int) -> list[str]:
    """Sound texts: the bundled specs, examples, regressions, blocks of the library, and random nets."""
    folders = [
        TESTS.parent / "specs",
        TESTS.parent / "examples",
        TESTS / "regressions",
        TESTS.parent / "netspec" / "std",
    ]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.net"))]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    texts = [text for text in texts if 0 < len(text) < LONGEST]
    grown = [text_of(random_net(f"breaking {seed}.{number}")[0]) for number in range(max(GROWN, len(texts)))]
    return texts + grown


def _too_long(*_: object) -> None:
    raise TimeoutError(f"not done in {5 * SECONDS} s")


signal.signal(signal.SIGVTALRM, _too_long)


def checked(data: bytes) -> str:
    """What goes wrong with a text beside what is told of it."""
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, 5 * SECONDS)
    try:
        nets = compile_source(source_from_bytes(data, "broken.net", None))
        for net in nets:
            for diagnostic in (*net.diagnostics, *net.warnings):
                str(SpecError((diagnostic,)))
            _ = net.totals, net.peak_activation_bytes, net.receptive_fields
    except SpecError as error:
        str(error)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    took = time.process_time() - begun
    return f"it took {took:.1f} s" if took > SECONDS else ""


class Result(NamedTuple):
    """Of one process. `kilobytes`: the most memory that it had."""

    kinds: Counter[str]
    found: list[tuple[str, bytes]]
    slowest: tuple[float, bytes]
    kilobytes: int


def run(seed: int, count: int, tell: Callable[[], object] = lambda: None) -> Result:
    draw = random.Random(seed)
    breaker = Breaker(sources(seed), draw)
    kinds: Counter[str] = Counter()
    found: list[tuple[str, bytes]] = []
    slowest = (0.0, b"")
    memory = kilobytes()
    for _ in range(count):
        broken = breaker()
        kinds[broken.kind] += 1
        begun = time.process_time()
        told = checked(broken.data)
        slowest = max(slowest, (time.process_time() - begun, broken.data))
        now = kilobytes()
        if now > KILOBYTES and now > memory:
            told = told or f"the process has {now:,} kB"
        memory = now
        if told:
            found.append((told, broken.data))
        forget()
        tell()
    return Result(kinds, found, slowest, memory)


def forget() -> None:
    """What is kept of texts, so that memory is that of one: a command checks no other."""
    cached_source.cache_clear()
    parsed.cache_clear()
    _constant_calls.clear()


def kilobytes() -> int:
    """The most memory that this process has had; 0 where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def main(seed: int, count: int) -> None:
    result = run(seed, count)
    found = [(told, data.decode("utf-8", "replace")) for told, data in result.found]
    print(json.dumps({"found": found, "kilobytes": result.kilobytes}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
