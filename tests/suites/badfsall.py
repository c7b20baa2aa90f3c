# SPDX-License-Identifier: MIT
"""All that the suite `badfs` takes samples of: every image with both ways to go on after an error,
and 2,000 mutations."""
from . import badfs


def run(ctx):
    badfs.run(ctx, images=0, mutants=2000)
