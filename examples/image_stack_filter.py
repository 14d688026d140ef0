"""A stack of microscope frames: smooth in time and space, find the brightest frame; in processes, with arrays shared.

Data: made here, spots that drift over a noisy background.
"""

import time

import numpy as np

import allcores as ac

FRAMES, SIZE, SPOTS = 24, 256, 40


def recorded():
    """Frames of moving spots, float32, in shared memory."""
    rng = np.random.default_rng(1)
    stack = ac.shared.array(rng.normal(10, 3, (FRAMES, SIZE, SIZE)).astype(np.float32))
    places = rng.uniform(20, SIZE - 20, (SPOTS, 2)) + np.cumsum(rng.normal(0, 0.5, (FRAMES, SPOTS, 2)), axis=0)
    rows, columns = np.clip(np.rint(places), 1, SIZE - 2).astype(int).T
    for row, column in np.ndindex(3, 3):
        stack[np.arange(FRAMES), rows + row - 1, columns + column - 1] += 200
    return stack


def median_of_neighbours(stack):
    """Median over 3 frames and 3 by 3 pixels; the edges repeat."""
    padded = np.pad(stack, 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 3))
    return np.median(windows.reshape(*stack.shape, 27), axis=-1).astype(stack.dtype)


def main():
    stack = recorded()
    start = time.perf_counter()
    here = median_of_neighbours(stack)
    middle = time.perf_counter()
    found = ac.map_blocks(median_of_neighbours, stack, overlap=1, blocks=6)
    end = time.perf_counter()
    assert np.array_equal(found, here)
    print(
        f"{len(stack)} frames of {SIZE} x {SIZE} pixels: here {middle - start:.2f} s, in processes {end - middle:.2f} s"
    )
    brightest = ac.map_blocks(np.max, found, reduce=max, blocks=6)
    print(f"background {np.median(found):.1f}, brightest pixel {brightest:.1f}")


if __name__ == "__main__":
    main()
