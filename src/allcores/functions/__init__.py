"""The array functions, one module a family. Each adds its functions to the registry of allcores.kernels."""
