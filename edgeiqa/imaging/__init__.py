"""Pictures: files, buffers and frames, before they are resized."""
