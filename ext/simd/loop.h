/* The two element loops, one input and two, and what is needed to write an operation for them. A family's header
 * defines operations (an inline function an operation and type, no loop), instantiates these, and lists the results
 * for kernels.h.
 *
 * A loop is here because it was measured faster than NumPy's, and does only the layouts in which it is: what it does
 * not, it hands to NumPy's loop through `data` (ac_numpy_loop in table.h). */
#ifndef ALLCORES_LOOP_H
#define ALLCORES_LOOP_H

#include <limits.h>
#include <string.h>

#include "table.h"

/* What was measured, and where: loops that win with AVX-512 can lose with AVX2, as NumPy has its own for each. On
 * other processors than x86-64 nothing was, and all loops are NumPy's. */
#if defined(__AVX512F__)
#define AC_LEVEL 4
#elif defined(__AVX2__)
#define AC_LEVEL 3
#elif defined(__SSE2__) || defined(_M_X64)
#define AC_LEVEL 1
#else
#define AC_LEVEL 0
#endif

#if defined(_MSC_VER)
#define AC_INLINE static __forceinline
#else
#define AC_INLINE static inline __attribute__((always_inline))
#endif

/* An output either is an input, element for element, or is apart from it, so no iteration depends on another: without
 * being told so, compilers run in-place calls in scalar code. */
#if defined(__clang__)
#define AC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define AC_INDEPENDENT _Pragma("GCC ivdep")
#elif defined(_MSC_VER)
#define AC_INDEPENDENT __pragma(loop(ivdep))
#else
#define AC_INDEPENDENT
#endif

#if defined(__GNUC__)
#define AC_PREFETCH(p) __builtin_prefetch(p)
#else
#define AC_PREFETCH(p) (void)0
#endif

/* Layouts, apart from strided ones, that a two-input loop can do itself. */
enum {
    AC_ARRAYS = 1,        /* all three contiguous */
    AC_SCALAR_FIRST = 2,  /* first input of stride 0 */
    AC_SCALAR_SECOND = 4, /* second input of stride 0 */
    AC_SCALARS = AC_SCALAR_FIRST | AC_SCALAR_SECOND,
    AC_ALL_LAYOUTS = AC_ARRAYS | AC_SCALARS
};

AC_INLINE void ac_call_numpy(char **args, const ac_intp *dims, const ac_intp *steps, void *data)
{
    const ac_numpy_loop *numpy = (const ac_numpy_loop *)data;
    numpy->loop(args, dims, steps, numpy->data);
}

/* NAME: out[i] = OP(in[i]). */
#define AC_UNARY(NAME, IN, OUT, OP) \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0]; \
        ac_intp i; \
        if (steps[0] == (ac_intp)sizeof(IN) && steps[1] == (ac_intp)sizeof(OUT)) { \
            const IN *x = (const IN *)args[0]; \
            OUT *z = (OUT *)args[1]; \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                z[i] = OP(x[i]); \
            } \
        } \
        else if (data != NULL) { \
            ac_call_numpy(args, dims, steps, data); \
        } \
        else { \
            for (i = 0; i < n; i++) { \
                *(OUT *)(args[1] + i * steps[1]) = OP(*(const IN *)(args[0] + i * steps[0])); \
            } \
        } \
    }

/* NAME: out[i] = OP(first[i], second[i]) in LAYOUTS. AFTER runs when our own code has stored all. */
#define AC_BINARY(NAME, LAYOUTS, IN, OUT, OP, AFTER) \
    static void NAME(char **args, const ac_intp *dims, const ac_intp *steps, void *data) \
    { \
        const ac_intp n = dims[0], a_step = steps[0], b_step = steps[1], one = (ac_intp)sizeof(IN); \
        const IN *x = (const IN *)args[0], *y = (const IN *)args[1]; \
        OUT *z = (OUT *)args[2]; \
        const int packed = n > 0 && steps[2] == (ac_intp)sizeof(OUT); \
        ac_intp i; \
        if ((LAYOUTS) & AC_ARRAYS && packed && a_step == one && b_step == one) { \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                z[i] = OP(x[i], y[i]); \
            } \
        } \
        else if ((LAYOUTS) & AC_SCALAR_SECOND && packed && a_step == one && b_step == 0) { \
            const IN scalar = *y; \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                z[i] = OP(x[i], scalar); \
            } \
        } \
        else if ((LAYOUTS) & AC_SCALAR_FIRST && packed && a_step == 0 && b_step == one) { \
            const IN scalar = *x; \
            AC_INDEPENDENT \
            for (i = 0; i < n; i++) { \
                z[i] = OP(scalar, y[i]); \
            } \
        } \
        else if (data != NULL) { \
            ac_call_numpy(args, dims, steps, data); \
            return; \
        } \
        else { \
            for (i = 0; i < n; i++) { \
                *(OUT *)(args[2] + i * steps[2]) = \
                    OP(*(const IN *)(args[0] + i * a_step), *(const IN *)(args[1] + i * b_step)); \
            } \
        } \
        AFTER; \
    }

#define AC_NOTHING (void)0

/* NumPy's integer types for the table: X(type character, our suffix). `l` is C's long. */
#if LONG_MAX == INT32_MAX
#define AC_LONG_SIGNED(X) X(l, i32)
#define AC_LONG(X) AC_LONG_SIGNED(X) X(L, u32)
#else
#define AC_LONG_SIGNED(X) X(l, i64)
#define AC_LONG(X) AC_LONG_SIGNED(X) X(L, u64)
#endif
#define AC_TYPES_8(X) X(b, i8) X(B, u8)
#define AC_TYPES_16(X) X(h, i16) X(H, u16)
#define AC_TYPES_INT(X) X(i, i32) X(I, u32)
#define AC_TYPES_LONG_LONG(X) X(q, i64) X(Q, u64)
#define AC_TYPES_INTEGER(X) AC_TYPES_8(X) AC_TYPES_16(X) AC_TYPES_INT(X) AC_LONG(X) AC_TYPES_LONG_LONG(X)

#define AC_ENTRY_1(UFUNC, IN, OUT, LOOP) {#UFUNC, #IN "->" #OUT, LOOP},
#define AC_ENTRY_2(UFUNC, IN, OUT, LOOP) {#UFUNC, #IN #IN "->" #OUT, LOOP},

#endif
