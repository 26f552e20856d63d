"""NS0xx: files and limits."""

from __future__ import annotations

from netspec.diagnostics import Problem


class CannotRead(Problem):
    """A spec is a file that exists and may be read, or one of the bundled specs, which go by their names from
    any folder."""

    code = "NS001"
    about = "A file that cannot be read"
    title = "cannot read {file}: {reason}"
    help = "{remedy}"
    wrong = """
        $ netspec check exmaple.net
        net Small {
          input features: [16]
          dense 10
        }
        """
    mended = """
        net Small {
          input features: [16]
          dense 10
        }
        """


class NotASpec(Problem):
    """A spec is text in UTF-8, of at most 16 MiB. The usual reasons are another file, such as an image or saved
    weights, and an editor that saves in an older encoding: there an accented letter is a single byte, which UTF-8
    does not have."""

    code = "NS005"
    about = "A file that is no text"
    title = "{file} is not a spec: {reason}"
    help = "{remedy}"
    wrong = """
        net Small {
          input features: [16]
          dense 10   # pour la premi\udce8re couche
        }
        """
    mended = """
        net Small {
          input features: [16]
          dense 10   # pour la première couche
        }
        """


class BadIr(Problem):
    """A file that begins with `{` is read as intermediate representation, as `netspec ir` writes it. It follows
    the schema that `netspec ir --schema` prints, and each node uses only inputs and nodes that stand before it,
    so that it can be checked from its first node to its last."""

    code = "NS002"
    about = "Intermediate representation that is not valid"
    title = "{file} is not valid netspec IR: {reason}"
    help = "`netspec ir FILE` writes it, `netspec ir --schema` describes it"
    wrong = """
        {
          "format": "netspec-ir-1",
          "name": "Small",
          "inputs": [{"name": "x", "type": {"shape": [16]}}],
          "modules": [{
            "name": "Small",
            "title": "Small",
            "inputs": ["x"],
            "nodes": [{"kind": "layer", "name": "fc", "layer": {"layer": "dense", "out": 10}, "inputs": ["y"]}],
            "outputs": {"": "fc"}
          }]
        }
        """
    mended = """
        {
          "format": "netspec-ir-1",
          "name": "Small",
          "inputs": [{"name": "x", "type": {"shape": [16]}}],
          "modules": [{
            "name": "Small",
            "title": "Small",
            "inputs": ["x"],
            "nodes": [{"kind": "layer", "name": "fc", "layer": {"layer": "dense", "out": 10}, "inputs": ["x"]}],
            "outputs": {"": "fc"}
          }]
        }
        """


class TooBig(Problem):
    """Blocks that are used by blocks multiply, so that a short file can have more layers than a listing can
    hold. The analysis costs no more for it, but JSON and `net.layers` in Python list each layer, up to
    20,000. Groups are few: the table, Markdown and CSV list as many levels of them as `--depth` says."""

    code = "NS003"
    about = "More layers than can be listed"
    title = "`{net}` has too many layers to list: {rows}"
    help = "list groups instead, in a table or as CSV, with `--depth {depth}`"
    wrong = """
        $ netspec check example.net --format json
        block ten { for _ in range(60) { conv 8 k=3 pad=1 } }
        block hundred { for _ in range(60) { ten } }

        net Large {
          input image: [8, 16, 16]
          for _ in range(60) { hundred }
        }
        """
    mended = """
        $ netspec check example.net --format csv --depth 1
        block ten { for _ in range(60) { conv 8 k=3 pad=1 } }
        block hundred { for _ in range(60) { ten } }

        net Large {
          input image: [8, 16, 16]
          for _ in range(60) { hundred }
        }
        """


class TooNested(Problem):
    """What stands in or depends on something else is worked out from the inside, which has a bounded depth.
    Nothing that a person writes comes near it; a program that writes specs may, for example with a chain of
    `let`s in which each needs the one before."""

    code = "NS004"
    about = "A file that is nested too deeply"
    title = "{file} is nested too deeply"
    help = "break long expressions and deep bodies into `let`s and `block`s"
    wrong = """
        let width0 = 8
        # 2000 times: let width<i + 1> = width<i> + 1

        net Wide {
          input features: [16]
          dense width2000
        }
        """
    mended = """
        let width0 = 8

        net Wide {
          input features: [16]
          dense (width0 + 2000)
        }
        """
