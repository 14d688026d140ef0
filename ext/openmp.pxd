# The only file that names omp.h. Without OpenMP every function is a stub that says "one thread".
cdef extern from *:
    """
    #if defined(ALLCORES_HAVE_OPENMP) && defined(_OPENMP)
    #include <omp.h>
    #define ac_openmp_version() (_OPENMP)
    #if defined(ALLCORES_HAVE_OMP_PAUSE)
    static int ac_omp_pause(void) { return omp_pause_resource_all(omp_pause_hard); }
    #else
    static int ac_omp_pause(void) { return -1; }
    #endif
    #else
    #define ac_openmp_version() 0
    static int ac_omp_pause(void) { return 0; }
    static int omp_in_parallel(void) { return 0; }
    static int omp_get_thread_num(void) { return 0; }
    static int omp_get_num_threads(void) { return 1; }
    #endif
    """
    int ac_openmp_version() noexcept nogil
    # Ends the runtime's threads; 0 when a later region, here or in a forked child, starts from nothing.
    int ac_omp_pause() noexcept nogil
    int omp_in_parallel() noexcept nogil
    int omp_get_thread_num() noexcept nogil
    int omp_get_num_threads() noexcept nogil
