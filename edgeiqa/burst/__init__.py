"""Which of several similar photographs is the best."""
