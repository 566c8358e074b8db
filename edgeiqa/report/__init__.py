"""`edgeiqa report`: one self-contained HTML page about many scored photographs."""
