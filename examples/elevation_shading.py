"""Hillshade of a mountain range: gradients of an elevation map, slope and aspect, light from the north-west.

Data: matplotlib's sample of the Jacksboro fault, 344 by 403 points; interpolated to a finer grid so that it is large.
"""

import sys

import numpy as np
from comparison import compare
from matplotlib import cbook

FINER = 6
ALTITUDE, AZIMUTH = np.radians(45.0), np.radians(315.0)
METRES = 111_320.0  # a degree of latitude
STRETCH = 4.0  # of the heights, as maps do


def interpolated(heights, factor):
    """Bilinear interpolation onto a grid `factor` times as fine."""
    rows, columns = (np.linspace(0, size - 1, size * factor) for size in heights.shape)
    wide = np.array([np.interp(columns, np.arange(heights.shape[1]), line) for line in heights])
    below = np.minimum(rows.astype(int), heights.shape[0] - 2)
    part = (rows - below)[:, np.newaxis]
    return wide[below] * (1 - part) + wide[below + 1] * part


def hillshade(xp, heights, dx, dy):
    east = xp.divide(xp.subtract(heights[1:-1, 2:], heights[1:-1, :-2]), 2 * dx)
    north = xp.divide(xp.subtract(heights[:-2, 1:-1], heights[2:, 1:-1]), 2 * dy)
    slope = xp.arctan(xp.multiply(xp.hypot(east, north), STRETCH))
    aspect = xp.arctan2(east, north)
    flat = xp.multiply(xp.cos(slope), np.sin(ALTITUDE))
    steep = xp.multiply(xp.sin(slope), np.cos(ALTITUDE))
    facing = xp.cos(xp.subtract(aspect, AZIMUTH + np.pi))  # the normal leans downhill
    return xp.maximum(xp.add(flat, xp.multiply(steep, facing)), 0.0)


def main():
    with cbook.get_sample_data("jacksboro_fault_dem.npz") as sample:
        heights = interpolated(sample["elevation"].astype(float), FINER)
        dx = float(sample["dx"]) * METRES * np.cos(np.radians(float(sample["ymin"]))) / FINER
        dy = float(sample["dy"]) * METRES / FINER
    found = compare(
        f"hillshade of {heights.shape[0]} x {heights.shape[1]} points",
        lambda xp: {"shade": hillshade(xp, heights, dx, dy)},
    )
    print(f"mean brightness {found['shade'].mean():.3f}, in full shadow {100 * (found['shade'] == 0).mean():.1f}%")
    if len(sys.argv) > 1:
        from matplotlib.image import imsave

        imsave(sys.argv[1], found["shade"], cmap="gray")


if __name__ == "__main__":
    main()
