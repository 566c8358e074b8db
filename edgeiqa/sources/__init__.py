"""Sources of frames: folders, videos, cameras, streams, standard input.

`edgeiqa.sources.open.open_source` selects the right one by name.
"""
