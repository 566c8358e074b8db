"""Other people's Keras models into a .tflite with a contract."""
