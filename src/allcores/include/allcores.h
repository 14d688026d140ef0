/* The C that _api.pxd compiles into each module that cimports from allcores: how the OpenMP runtime of *that* module is
 * paused, which may be another copy than allcores' own. See docs/library-authors.md. Needs no Python.h. */
#ifndef ALLCORES_H
#define ALLCORES_H

/* Declared by omp.h from OpenMP 5.0 on; GCC has had it since GCC 9, which calls itself 4.5. */
#if defined(_OPENMP) && !defined(ALLCORES_HAVE_OMP_PAUSE)
#if _OPENMP >= 201811 || (defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9)
#define ALLCORES_HAVE_OMP_PAUSE 1
#endif
#endif

#ifdef _OPENMP
#include <omp.h>
#endif

typedef int (*ac_pause_fn)(void);

/* Ends the runtime's threads. 0: a later parallel region, here or in a forked child, starts from nothing. */
static inline int ac_pause_openmp(void)
{
#if !defined(_OPENMP)
    return 0;
#elif defined(ALLCORES_HAVE_OMP_PAUSE)
    return omp_pause_resource_all(omp_pause_hard);
#else
    return -1;
#endif
}

/* Whether the calling thread is inside a parallel region of this runtime. */
static inline int ac_in_parallel(void)
{
#ifdef _OPENMP
    return omp_in_parallel();
#else
    return 0;
#endif
}

#endif
