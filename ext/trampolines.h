/* A pool of inner loops that differ in nothing but their number.
 *
 * NumPy lets a ufunc's inner loop be replaced, but not the `data` that it is called with, so the address of the loop
 * is all that tells which one was meant: each replaced loop needs a function of its own. */
#ifndef ALLCORES_TRAMPOLINES_H
#define ALLCORES_TRAMPOLINES_H

#include <numpy/ndarraytypes.h>

typedef void (*ac_inner)(char **, const npy_intp *, const npy_intp *, void *);

/* What every loop of the pool calls; set before the first is handed out. */
static void (*ac_trampoline_target)(int, char **, const npy_intp *, const npy_intp *, void *);

#define AC_ONE(n) \
    static void ac_trampoline_##n(char **args, const npy_intp *dims, const npy_intp *steps, void *data) \
    { \
        ac_trampoline_target(0x##n, args, dims, steps, data); \
    }
#define AC_NAME(n) ac_trampoline_##n,

/* M(p0) ... M(pf), and so on: sixteen, 256, 4096 numbers in hexadecimal. */
#define AC_16(M, p) \
    M(p##0) M(p##1) M(p##2) M(p##3) M(p##4) M(p##5) M(p##6) M(p##7) \
    M(p##8) M(p##9) M(p##a) M(p##b) M(p##c) M(p##d) M(p##e) M(p##f)
#define AC_256(M, p) \
    AC_16(M, p##0) AC_16(M, p##1) AC_16(M, p##2) AC_16(M, p##3) AC_16(M, p##4) AC_16(M, p##5) AC_16(M, p##6) \
    AC_16(M, p##7) AC_16(M, p##8) AC_16(M, p##9) AC_16(M, p##a) AC_16(M, p##b) AC_16(M, p##c) AC_16(M, p##d) \
    AC_16(M, p##e) AC_16(M, p##f)
#define AC_POOL(M) AC_256(M, 0) AC_256(M, 1) AC_256(M, 2) AC_256(M, 3) AC_256(M, 4) AC_256(M, 5) AC_256(M, 6) AC_256(M, 7)

AC_POOL(AC_ONE)
static const ac_inner ac_trampolines[] = {AC_POOL(AC_NAME)};
enum { AC_TRAMPOLINES = sizeof(ac_trampolines) / sizeof(ac_trampolines[0]) };

#endif
