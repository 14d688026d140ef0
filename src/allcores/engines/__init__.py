"""Where the tasks of array functions are done, other than by threads of this process."""
