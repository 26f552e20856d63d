"""The definitions that a file's names stand for: its own, those it uses, and the standard library."""

from __future__ import annotations

import os
import re
import unicodedata
from functools import cache, lru_cache
from itertools import islice

from netspec import limits, resources
from netspec.diagnostics import Diagnostic, Diagnostics, Label, SpecError
from netspec.elaborate.values import Definition, Static, Work
from netspec.problems.files import CannotRead, NotASpec
from netspec.problems.names import DuplicateName
from netspec.problems.structure import BadUse
from netspec.problems.syntax import HiddenCharacter
from netspec.source import SourceFile, Span
from netspec.syntax import ast
from netspec.syntax.parser import parse_file

# control characters but for tabs and line ends, separators of lines, and what turns the direction of writing
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\r(?!\n)",
)


class Definitions:
    """What the names of one file mean, apart from labels and parameters."""

    def __init__(self, source: SourceFile, root: str | None) -> None:
        self.source = source
        self.root = root  # the folder that `use` cannot leave; None where there is none
        self.items: dict[str, ast.Let | ast.Block | ast.Net | ast.Instance] = {}
        self.places: dict[str, Span] = {}
        self.imported: dict[str, Definitions] = {}
        self.lets: dict[str, Static] = {}  # values of `let`, once computed
        self.broken: set[str] = set()  # names whose definitions have a mistake
        self.work = Work()  # of all nets of this file
        self.lacking = False  # whether a file that it uses could not be read, so that names may be missing
        self._known: dict[str, Definition | None] = {}

    def owner(self, name: str) -> Definitions | None:
        """The file that defines a name: this one or one that it uses."""
        return self if name in self.items else self.imported.get(name)

    def item(self, name: str) -> ast.Let | ast.Block | ast.Net | ast.Instance | None:
        """What defines a name: here or in a file that this one uses."""
        owner = self.owner(name)
        return owner.items[name] if owner else None

    def definition(self, name: str) -> Definition | None:
        """A block or net by name: of this file, of one that it uses, or of the standard library."""
        if name not in self._known:
            owner = self.owner(name) or standard(name)
            node = owner.items[name] if owner else None
            self._known[name] = None
            if owner is not None and isinstance(node, (ast.Block, ast.Net)):
                self._known[name] = Definition(node, owner)
        return self._known[name]

    def lose(self, item: ast.Broken) -> None:
        """Note what a mistake has made unknown. A net can still be checked, without the values of its head."""
        self.broken.update(item.names)
        if not item.names:
            self.lacking = True
        elif item.keyword == "net" and isinstance(item.inside, ast.Body):
            head = item.replace(keyword="let", names=item.mentioned, inside=None)
            body = item.inside.replace(statements=(head, *item.inside.statements))
            self.items.setdefault(item.names[0], ast.Net(ast.Name(item.names[0], item.span), (), body))

    @property
    def names(self) -> list[str]:
        return [*self.items, *self.imported]


@lru_cache(maxsize=256)
def parsed(source: SourceFile) -> tuple[ast.File | None, tuple[Diagnostic, ...]]:
    if len(source.text) > limits.SPEC_TEXT:
        remedy = f"a spec has at most {limits.SPEC_TEXT:,} characters: write what repeats as `repeat` and `block`"
        return None, (NotASpec(file=source.name, reason="it is too long", remedy=remedy).nowhere(source.name),)
    file, diagnostics = parse_file(source)
    return file, tuple(diagnostics) or _hidden(source)


def _hidden(source: SourceFile) -> tuple[Diagnostic, ...]:
    """The characters, in comments and texts, by which a text looks other than it is."""
    found = islice(_HIDDEN.finditer(source.text), limits.SYNTAX_MISTAKES)
    return tuple(
        HiddenCharacter(
            character=f"U+{ord(match[0]):04X}", name=unicodedata.name(match[0], "a control character").lower()
        ).at(source.span(*match.span()))
        for match in found
    )


def read_source(path: str, name: str | None = None) -> SourceFile:
    """The text of a file. Raises SpecError where it cannot be read."""
    shown = name or path
    try:
        with open(path, "rb") as file:
            data = file.read(limits.SOURCE_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "cannot be opened").lower()
        remedy = "`netspec specs` lists the bundled specs" if isinstance(error, FileNotFoundError) else "check the path"
        raise SpecError((CannotRead(file=shown, reason=reason, remedy=remedy).nowhere(shown),)) from None
    return source_from_bytes(data, shown, path)


def source_from_bytes(data: bytes, name: str, path: str | None) -> SourceFile:
    """A source from the bytes of a file. Raises SpecError where they are not a spec's."""
    if len(data) > limits.SOURCE_BYTES:
        problem = NotASpec(
            file=name, reason="it is too large", remedy=f"a spec has at most {limits.SOURCE_BYTES >> 20} MiB"
        )
        raise SpecError((problem.nowhere(name),))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = NotASpec(file=name, reason=f"byte {error.start} is not UTF-8", remedy="save it as UTF-8 text")
        raise SpecError((problem.nowhere(name),)) from None
    return cached_source(name, text.replace("\r\n", "\n"), path)


@lru_cache(maxsize=256)
def cached_source(name: str, text: str, path: str | None) -> SourceFile:
    """One SourceFile for the same text, so that what was parsed once is not parsed again."""
    return SourceFile(name, text, path)


def collect(source: SourceFile, diagnostics: Diagnostics) -> Definitions:
    """The definitions of a file and of all that it uses."""
    root = os.path.dirname(os.path.abspath(source.path)) if source.path else None
    return _collect(source, root, diagnostics, _Files())


class _Files:
    """The files that a check has read: their definitions, None of those that are being read."""

    def __init__(self) -> None:
        self.seen: dict[str, Definitions | None] = {}
        self.characters = 0


def _collect(source: SourceFile, root: str | None, out: Diagnostics, files: _Files) -> Definitions:
    definitions = Definitions(source, root)
    path = os.path.realpath(source.path) if source.path else ""
    files.seen[path] = None
    files.characters += len(source.text)
    file, mistakes = parsed(source)
    for mistake in mistakes:
        out.add(mistake)
    definitions.lacking = file is None
    for item in file.items if file else ():
        if isinstance(item, ast.Use):
            _use(item, definitions, out, files)
            continue
        if isinstance(item, ast.Broken):
            definitions.lose(item)
            continue
        _define(item.name, definitions.places, out)
        if isinstance(item, (ast.Block, ast.Net)):
            parameters: dict[str, Span] = {}
            for parameter in item.parameters:
                _define(parameter.name, parameters, out)
        definitions.items.setdefault(item.name.id, item)
    files.seen[path] = definitions
    return definitions


def _define(name: ast.Name, places: dict[str, Span], out: Diagnostics) -> None:
    """Note where a name is defined; report a second definition."""
    first = places.setdefault(name.id, name.span)
    if first is not name.span:
        problem = DuplicateName(name=name.id, remedy="give one of them another name")
        out.add(problem.at(name.span, Label(first, "first defined here")))


def _use(item: ast.Use, definitions: Definitions, out: Diagnostics, files: _Files) -> None:
    written = "".join(part for part in item.path.parts if isinstance(part, str))

    def refuse(reason: str, remedy: str) -> None:
        definitions.lacking = True
        out.add(BadUse(path=written, reason=reason, remedy=remedy).at(item.path.span))

    if len(item.path.parts) != 1 or not written.endswith(".net") or "\\" in written or "\0" in written:
        return refuse("not the path of a .net file", 'write a path such as "blocks.net"')
    if len(written) > limits.PATH:
        return refuse(f"the path has {len(written):,} characters, at most {limits.PATH:,}", "use a shorter path")
    if definitions.root is None:
        return refuse("this text does not come from a file", "save it to a file beside the other one")
    folder = os.path.dirname(definitions.source.path or "")
    path = os.path.realpath(os.path.join(folder, written))
    if os.path.isabs(written) or not path.startswith(os.path.realpath(definitions.root) + os.sep):
        return refuse("it is outside the folder of the first file", "copy it into that folder")
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe, which could keep the check waiting, or a folder
        return refuse("it is not a file", "check the path, which starts from this file's folder")
    if path in files.seen and files.seen[path] is None:
        return refuse(
            "this file is used by that one, directly or through others",
            "move what both need into a third file",
        )
    other = files.seen.get(path)
    if other is None:
        if len(files.seen) >= limits.FILES:
            return refuse(f"more than {limits.FILES:,} files", "put what belongs together into one file")
        shown = os.path.normpath(os.path.join(os.path.dirname(definitions.source.name), written))
        try:
            used = read_source(path, shown)
            count = files.characters + len(used.text)
            if count > limits.SPEC_TEXT >= len(used.text):
                reason = f"with it the files have {count:,} characters, at most {limits.SPEC_TEXT:,}"
                return refuse(reason, "use files of what is needed alone")
            other = _collect(used, definitions.root, out, files)
        except SpecError as error:
            return refuse(error.diagnostics[0].title, "check the path, which starts from this file's folder")
    definitions.lacking |= other.lacking
    for name in other.names:
        owner = other.owner(name)
        if owner is not None:
            definitions.imported.setdefault(name, owner)
    return None


@cache
def standard(name: str) -> Definitions | None:
    """The file of the standard library that defines a block: each block has one of its own."""
    if not name.isidentifier() or not name.isascii():
        return None
    path = os.path.join(resources.std_dir(), name + ".net")
    if not os.path.isfile(path):
        return None
    mistakes = Diagnostics()
    source = read_source(path, f"std/{name}.net")
    source.is_standard = True
    definitions = _collect(source, None, mistakes, _Files())
    if len(mistakes):
        raise SpecError(tuple(mistakes))
    return definitions


@lru_cache(maxsize=1)
def standard_names() -> tuple[str, ...]:
    """The names of the standard library's blocks."""
    return tuple(sorted(file[:-4] for file in os.listdir(resources.std_dir()) if file.endswith(".net")))
