# SPDX-License-Identifier: MIT
"""The storms of the suite `stress`, ten minutes each unless --seconds says otherwise."""
from . import stress


def run(ctx):
    stress.run(ctx, 600)
