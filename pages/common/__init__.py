"""What several pages share."""

import os

# Before torch is loaded: its threads sleep while they wait for one another. As usual they turn in circles for some
# milliseconds, each time a layer is computed, and on a server where others compute too that is most of all work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import vis.own  # noqa: F401  (so that every page finds the networks that a visitor has built)
