"""Where frames come from: folders, videos, cameras, streams, standard input.

`edgeiqa.sources.open.open_source` finds the right one by its name.
"""
