"""NS8xx: files of weights."""

from __future__ import annotations

from netspec.diagnostics import Problem


class CannotReadWeights(Problem):
    """Weights are read from files in the format of safetensors, of numpy (`.npz`) and of torch (`.pt`, `.pth`, `.bin`,
    `.ckpt`). The name's ending says which."""

    code = "NS801"
    about = "A file of weights that cannot be read"
    title = "cannot read {file}: {reason}"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --weights w.safetensor
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """


class BadWeights(Problem):
    """A file of weights says of each tensor its name, its shape, its element type and where its numbers are. All of it
    is checked before a number is read: sizes, places that lie in the file and not in one another, names that occur
    once. What is not so was cut short on its way, is damaged, or is another kind of file under this name."""

    code = "NS802"
    about = "A file of weights that is damaged or of another kind"
    title = "{file} is not a sound {kind} file: {reason}"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 64]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """


class MoreThanTensors(Problem):
    """A file of torch is a pickle, which may name any function of any Python package to be called when it is read. From
    such a file netspec takes tensors in dictionaries and nothing else, without calling anything that it names, and it
    stops at the first name that tensors do not need. Whole modules, optimisers and settings that were saved with the
    tensors have such names."""

    code = "NS803"
    about = "A file of torch that holds more than tensors"
    title = "{file} was not read: it refers to `{name}`, which is not part of a tensor"
    help = "save the tensors alone: `torch.save(module.state_dict(), path)`"
    wrong = """
        $ netspec check example.net --weights w.pt
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.pt
        os.system
        """
    mended = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """


class OtherPrefix(Problem):
    """Tensors go by the path of their layer: `fc.weight` is the weight of the layer `fc`. Where a net was saved as part
    of another, or by `DataParallel`, the names in the file begin with one part more or less. `--rename` replaces what
    a regular expression finds in them: `'^module\\.='` takes a leading `module.` away, `'^=encoder.'` puts `encoder.`
    before every name."""

    code = "NS804"
    about = "Names of tensors that begin otherwise"
    title = "the names in {file} {how}"
    help = "`{rename}`"
    wrong = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"module.fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors --rename '^module\\.='
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"module.fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """


class MissingTensor(Problem):
    """Every weight of the net is a tensor of the file, by its name: the path of its layer and the layer's own name for
    it, such as `fc.weight`. The order does not count. What may be missing: numbers that the spec gives, and
    `num_batches_tracked`, which no layer computes with."""

    code = "NS805"
    about = "A weight that the file does not have"
    title = "{file} has no tensor `{name}`"
    label = "needs {shape}"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          head: dense 2 bias=false
        }
        # file: w.safetensors
        {"heads.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors --rename '^heads\\.=head.'
        net Small {
          input features: [16]
          head: dense 2 bias=false
        }
        # file: w.safetensors
        {"heads.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """


class UnexpectedTensor(Problem):
    """A tensor that the net does not have shows that the file is of another net, or that the spec lacks a layer. One
    that is not wanted, such as the second classifier of a net that had two for its training, is left out by renaming it
    to nothing."""

    code = "NS806"
    about = "A tensor that the net does not have"
    title = "{file} has {what} that `{net}` does not have"
    help = "leave out what is not wanted: `{rename}`"
    wrong = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]},
         "fc.bias": {"dtype": "F32", "shape": [2], "data_offsets": [128, 136]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]},
         "fc.bias": {"dtype": "F32", "shape": [2], "data_offsets": [128, 136]}}
        """


class TensorShape(Problem):
    """A tensor has the shape of the weight that it is, axis by axis; nothing is cut, repeated or transposed. A
    convolution's weight is [out, in / groups, height, width], that of a dense layer [out, in], as in torch; other
    libraries keep the axes in other orders."""

    code = "NS807"
    about = "A tensor of another shape than the weight"
    title = "`{name}` is {given} in {file}, not {shape}"
    label = "needs {shape}"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [16, 2], "data_offsets": [0, 128]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]}}
        """


class TensorDtype(Problem):
    """Weights are floating point numbers: `float16`, `bfloat16`, `float32` or `float64`, which are converted to the
    type that is needed. Integers are most often those of a quantised net, which mean nothing without their scale."""

    code = "NS808"
    about = "A tensor of elements that a weight cannot have"
    title = "`{name}` is {given} in {file}"
    label = "needs {needed}"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "I8", "shape": [2, 16], "data_offsets": [0, 32]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"fc.weight": {"dtype": "F16", "shape": [2, 16], "data_offsets": [0, 64]}}
        """


class RenamedToOne(Problem):
    """`--rename` replaces what its regular expression finds anywhere in a name. One that is too general makes one name
    of several, and nothing says which of the tensors was meant."""

    code = "NS809"
    about = "Two tensors that are renamed to one name"
    title = "`{first}` and `{second}` of {file} are both renamed to `{name}`"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --weights w.safetensors --rename '[ab]\\.=fc.'
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"a.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]},
         "b.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [128, 256]}}
        """
    mended = """
        $ netspec check example.net --weights w.safetensors --rename 'a\\.=fc.' --rename '^b\\..*='
        net Small {
          input features: [16]
          fc: dense 2 bias=false
        }
        # file: w.safetensors
        {"a.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]},
         "b.weight": {"dtype": "F32", "shape": [2, 16], "data_offsets": [128, 256]}}
        """
