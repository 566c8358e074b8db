"""Where frames come from: folders, videos, cameras, streams, standard input."""
