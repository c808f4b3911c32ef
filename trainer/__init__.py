"""The companion program that trains, questions and exports Elascope's models."""

import app  # noqa: F401 (it silences onnxruntime, before a module of ours imports that)
