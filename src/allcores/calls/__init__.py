"""Python functions in parallel: `map` and its like, on worker processes, or here where that is faster."""
