# SPDX-License-Identifier: MIT
"""Power cuts: what a disk may look like at any moment, and whether that is good enough."""
