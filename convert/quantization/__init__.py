"""From a float network to a verified int8 .tflite."""
