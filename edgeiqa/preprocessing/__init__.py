"""From a frame to the input tensor, bit for bit as specified."""
