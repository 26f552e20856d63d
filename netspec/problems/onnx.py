"""NS7xx: sound specs that cannot be written as ONNX."""

from __future__ import annotations

from netspec.diagnostics import Problem


class NeedsSize(Problem):
    """Most layers are written for symbolic sizes, which ONNX computes when it runs. A few need a number: what
    `avgpool ceil=true` divides by at the border, the steps of `upsample` by a scale that is no whole number, and
    layers that move channels of which the number is a symbol."""

    code = "NS701"
    about = "A layer that ONNX can only say for sizes that are numbers"
    title = "`{layer}` of {shape} needs sizes that are numbers in ONNX"
    label = "not with a symbol"
    help = "give the symbols values, such as `--set H=224`"
    wrong = """
        $ netspec export example.net -o model.onnx
        net Resized {
          input image: [3, H, W]
          upsample 1.5
        }
        """
    mended = """
        $ netspec export example.net -o model.onnx --set H=64 --set W=64
        net Resized {
          input image: [3, H, W]
          upsample 1.5
        }
        """


class SymbolicWeight(Problem):
    """A weight whose shape has a symbol has as many elements as the input says, and a file of weights has a number of
    them. The layer may be checked; to be written or trained it needs the symbol's value."""

    code = "NS702"
    about = "A weight whose shape has a symbol"
    title = "the weight `{name}` has the shape {shape}"
    label = "depends on {symbols}"
    help = "give the symbols values, such as `--set {symbol}=64`"
    wrong = """
        $ netspec export example.net -o model.onnx
        net Wide {
          input features: [N]
          dense 10
        }
        """
    mended = """
        $ netspec export example.net -o model.onnx --set N=64
        net Wide {
          input features: [N]
          dense 10
        }
        """


class OpenParameter(Problem):
    """A parameter that is left symbolic stands for any number of channels or features, of which a model, a module and a
    file of weights have one. Sizes of the inputs can stay symbolic in them."""

    code = "NS706"
    about = "A parameter left symbolic where a net is made"
    title = "the parameter `{name}` of `{net}` is left symbolic, and needs a value here"
    help = "leave out `--symbolic {name}`, or give it another value: `--set {name}=64`"
    wrong = """
        $ netspec export example.net -o model.onnx --symbolic width
        net Wide(width = 64) {
          input features: [16]
          dense width
        }
        """
    mended = """
        $ netspec export example.net -o model.onnx --set width=32
        net Wide(width = 64) {
          input features: [16]
          dense width
        }
        """


class TooManyLayersToWrite(Problem):
    """An ONNX graph has a node for every layer, and a file of weights a tensor for every weight, also of those that are
    repeated. A check counts a block once, however often it is used, and so takes nets of any size."""

    code = "NS703"
    about = "More layers than can be written out"
    title = "`{net}` has too many layers to write out: {layers}"
    help = "at most {most} layers are written, repeated ones each time"
    wrong = """
        $ netspec export example.net -o model.onnx
        net Deep {
          input image: [8, 16, 16]
          repeat 1_000_000 { conv 8 k=3 pad=1 }
        }
        """
    mended = """
        $ netspec export example.net -o model.onnx
        net Deep {
          input image: [8, 16, 16]
          repeat 10 { conv 8 k=3 pad=1 }
        }
        """


class LargeConstant(Problem):
    """What ONNX has no operator for is written with constants: the shares of interpolation, the order of channels, the
    windows of an adaptive pool. They grow with the sizes, and a constant of so many numbers is no real layer."""

    code = "NS704"
    about = "A layer that needs a constant of too many numbers"
    title = "`{layer}` of {shape} needs a constant of {count} numbers in ONNX"
    label = "at most {most}"
    help = "give the layer a smaller input, or write it otherwise"
    wrong = """
        $ netspec export example.net -o model.onnx
        net Resized {
          input signal: [1, 100_000]
          upsample 1.5
        }
        """
    mended = """
        $ netspec export example.net -o model.onnx
        net Resized {
          input signal: [1, 100_000]
          upsample 2
        }
        """


class NoProjection(Problem):
    """An `lstm` with `proj` multiplies its state by a matrix at every step (Sak et al. 2014). ONNX's operator LSTM has
    no such matrix, so that the net runs in torch only."""

    code = "NS705"
    about = "An lstm with a projection"
    title = "ONNX has no LSTM with a projection"
    label = "`proj={proj}` has no operator"
    help = "leave `proj` out, or use the net in torch"
    wrong = """
        $ netspec export example.net -o model.onnx
        net Speech {
          input frames: [T, 40]
          lstm 800 proj=512
        }
        """
    mended = """
        $ netspec export example.net -o model.onnx
        net Speech {
          input frames: [T, 40]
          lstm 512
        }
        """
