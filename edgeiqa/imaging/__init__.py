"""Pictures before they are resized: files, buffers and frames."""
