"""Functions are taken up at the call that they are given to: checked, snapshotted, pickled."""
