"""ONNX graphs, written straight from the IR."""
