"""What a .tflite is worth: against people, under distortions, by region."""
