# SPDX-License-Identifier: MIT
"""The suite `fsload` at length: a minute for each case unless --seconds says otherwise."""
from . import fsload


def run(ctx):
    fsload.run(ctx, 60)
