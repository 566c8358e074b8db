"""The networks, in Keras and in PyTorch, and their weights."""
