"""From weights to a model for the program: card, ONNX, reference vectors, 8 bits."""
