"""Where people watch a live stream: a video file, a page in a browser, a line in a terminal."""
