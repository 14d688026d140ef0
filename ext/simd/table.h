/* What an instruction-set level offers: one constant table, made by kernels.h in each isa_*.c and picked by
 * select.c at import. Included by the C loops and, through Cython declarations, by the extension modules. */
#ifndef ALLCORES_TABLE_H
#define ALLCORES_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef intptr_t ac_intp;

/* NumPy's inner-loop signature, so that our loops and NumPy's are interchangeable. */
typedef void ac_loop_fn(char **args, const ac_intp *dims, const ac_intp *steps, void *data);

/* What `data` of an own loop points to: NumPy's loop for the same types. An own loop does the layouts at which it is
 * faster and hands the others, strided operands above all, to NumPy's. With `data` NULL it does everything itself. */
typedef struct {
    ac_loop_fn *loop;
    void *data;
} ac_numpy_loop;

typedef struct {
    const char *ufunc; /* NumPy's name of the ufunc, "add" */
    const char *types; /* NumPy's type characters, "dd->d" */
    ac_loop_fn *loop;
} ac_loop_entry;

/* A loop of our own mathematics (mathematics.h): within its stated error, not NumPy's bits. */
typedef struct {
    const char *ufunc;
    const char *types;
    ac_loop_fn *loop;
    double cost; /* serial nanoseconds an element */
    int used;    /* at this level; where not, NumPy's loop is as fast */
} ac_math_entry;

typedef struct {
    const ac_math_entry *loops;
    ac_intp loops_count;
} ac_math_table;

struct ac_composites; /* composite_table.h */
struct ac_reductions; /* reduce_table.h */

typedef struct {
    const char *isa; /* "base", "v3", "v4", "neon" */
    const ac_loop_entry *loops;
    ac_intp loops_count;
    /* Copies past the caches: dst need not be read first. Any alignment, any size; fences at its end. */
    void (*stream_copy)(char *dst, const char *src, size_t bytes);
    const struct ac_reductions *reductions;
    const ac_math_table *math;
    const struct ac_composites *composites;
} ac_table;

/* The table called `name`, or the best that this CPU runs when name is NULL or empty.
 * On failure NULL, with one of AC_ISA_* in *why (which may be NULL). */
enum { AC_ISA_OK = 0, AC_ISA_UNKNOWN = 1, AC_ISA_NOT_COMPILED = 2, AC_ISA_NOT_ON_THIS_CPU = 3 };
const ac_table *ac_select(const char *name, int *why);
/* Space-separated names of the levels compiled in, worst first. */
const char *ac_compiled_levels(void);
/* Name and version of the C compiler, for bug reports. */
const char *ac_compiler(void);

#endif
