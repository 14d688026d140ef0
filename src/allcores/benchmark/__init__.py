"""`python -m allcores bench`: our functions against pure Python, NumPy and the libraries that are installed.

    cases     what is timed: functions, operands, the same in plain Python
    peers     how each library does a case
    probe     each library tries its cases in a process of its own first: one that dies takes nothing with it
    timing    interleaved rounds
    report    table, JSON, plot
    run       puts them together

Called by allcores.__main__ and by the scripts in bench/; uses public names of allcores only.
"""
