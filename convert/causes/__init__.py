"""The network for causes: what it learns from, how, and how it becomes a .tflite."""
