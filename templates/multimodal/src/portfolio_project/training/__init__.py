"""The training loop and its parts."""

import os

# Read when torch is loaded: threads that wait must not burn the cores that others need.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
