"""Which instruction-set level's inner loops are used.

The one extension module that the levels' libraries are linked into; the others ask it for the table.
"""

cdef extern from "table.h":
    const ac_table *ac_select(const char *, int *)
    const char *ac_compiled_levels()
    const char *ac_compiler()
    int AC_ISA_UNKNOWN, AC_ISA_NOT_COMPILED, AC_ISA_NOT_ON_THIS_CPU

cdef const ac_table *table = ac_select(NULL, NULL)


cdef const ac_table *level() noexcept nogil:
    return table


def isa():
    """Returns the instruction-set level in use, those compiled in, and the compiler."""
    return table.isa.decode(), ac_compiled_levels().decode().split(), ac_compiler().decode()


def set_isa(str name):
    """Uses the level `name` ('' for the best); ufuncs that were made before keep theirs."""
    global table
    cdef int why = 0
    text = name.encode()
    found = ac_select(text, &why)
    if found == NULL:
        levels = ", ".join(ac_compiled_levels().decode().split())
        reason = {
            AC_ISA_UNKNOWN: f"is no instruction-set level; this build has: {levels}",
            AC_ISA_NOT_COMPILED: f"is not in this build, which has: {levels}",
            AC_ISA_NOT_ON_THIS_CPU: "is not what this CPU has",
        }[why]
        raise ValueError(f"ALLCORES_ISA={name} {reason}")
    table = found
