"""`netspec run`: a net, or an ONNX model, in onnxruntime."""
