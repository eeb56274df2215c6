"""A worker's part of a checkpoint: barriers are aligned, state is taken, written to a file, and restored."""
