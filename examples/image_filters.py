"""Photographs: gamma to linear light, tone mapping, luminance, statistics of the channels.

Data: scikit-learn's china.jpg and flower.jpg, 427 by 640 pixels, repeated to the size of a camera's picture.
"""

import numpy as np
from comparison import compare
from sklearn.datasets import load_sample_images

REPEAT = 3
WEIGHTS = np.array([0.2126, 0.7152, 0.0722])  # Rec. 709


def developed(xp, picture, exposure):
    """uint8 (rows, columns, 3) to tone-mapped values between 0 and 1."""
    linear = xp.power(xp.divide(picture, 255.0), 2.2)
    light = xp.multiply(linear, exposure)
    # Narkowicz, "ACES filmic tone mapping curve", 2016.
    above = xp.multiply(light, xp.add(xp.multiply(light, 2.51), 0.03))
    below = xp.add(xp.multiply(light, xp.add(xp.multiply(light, 2.43), 0.59)), 0.14)
    mapped = xp.minimum(xp.maximum(xp.divide(above, below), 0.0), 1.0)
    return xp.power(mapped, 1 / 2.2)


def main():
    for name, picture in zip(("china.jpg", "flower.jpg"), load_sample_images().images, strict=True):
        large = np.tile(picture, (REPEAT, REPEAT, 1))

        def program(xp, large=large):
            values = developed(xp, large, np.array([1.10, 1.00, 0.95]))  # a warmer light
            luminance = xp.sum(xp.multiply(values, WEIGHTS), axis=2)
            channels = values.reshape(-1, 3)
            return {
                "values": values,
                "luminance": luminance,
                "mean": xp.mean(channels, axis=0),
                "darkest": xp.min(channels, axis=0),
                "brightest": xp.max(channels, axis=0),
                "clipped": xp.count_nonzero(xp.greater_equal(luminance, 0.99)),
            }

        found = compare(f"{name}, {large.shape[0]} x {large.shape[1]} pixels", program)
        means = ", ".join(f"{value:.3f}" for value in found["mean"])
        print(f"means of red, green, blue {means}; {found['clipped']} pixels are white")


if __name__ == "__main__":
    main()
