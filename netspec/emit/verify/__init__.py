"""`netspec verify`: whether the static facts, torch and onnxruntime agree about a net."""
