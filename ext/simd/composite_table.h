/* Loops of functions that NumPy composes of several ufuncs, or that are none: made in composite.h at every level, called
 * by _composite.pyx. They do every layout themselves. */
#ifndef ALLCORES_COMPOSITE_TABLE_H
#define ALLCORES_COMPOSITE_TABLE_H

#include "table.h"

/* What their `data` points to; each loop reads its own part. float32 loops round the numbers to float32. */
typedef struct {
    double first;  /* nan_to_num: for NaN. round: the power of ten. isclose: rtol */
    double second; /* nan_to_num: for infinity. isclose: atol */
    double third;  /* nan_to_num: for -infinity */
    int flag;      /* round: divide first. Comparisons: NaN equals NaN */
    int early;     /* differ, apart: a found difference ends all */
    volatile int found; /* differ, apart: whether there is a difference */
} ac_composite_values;

enum { AC_COMPOSITE_F32, AC_COMPOSITE_F64, AC_COMPOSITE_FLOATS };
enum { AC_COMPOSITE_1, AC_COMPOSITE_2, AC_COMPOSITE_4, AC_COMPOSITE_8, AC_COMPOSITE_16, AC_COMPOSITE_SIZES };

struct ac_composites {
    ac_loop_fn *choose[AC_COMPOSITE_SIZES];      /* (bool, x, y) -> x where true, else y; by item size */
    ac_loop_fn *replace[AC_COMPOSITE_FLOATS];    /* x -> x, NaN and infinities replaced */
    ac_loop_fn *round[AC_COMPOSITE_FLOATS];      /* x -> x, rounded to a decimal */
    ac_loop_fn *close[AC_COMPOSITE_FLOATS];      /* (x, y) -> bool */
    ac_loop_fn *apart[AC_COMPOSITE_FLOATS];      /* (x, y) ->, sets `found` where one is not close */
    ac_loop_fn *differ[AC_COMPOSITE_FLOATS];     /* (x, y) ->, sets `found` where one is not equal */
    ac_loop_fn *differ_bits[AC_COMPOSITE_8 + 1]; /* integers, by item size */
    ac_loop_fn *differ_bool;
};

#endif
