"""What spoils a picture, and where."""
