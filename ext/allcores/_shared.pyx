"""Shared memory: blocks in arenas that processes map, arrays over them, locks and atomic updates. Linux only.

    Block           some bytes that live as long as a process refers to them; a buffer
    allocate        makes one; attach: the one that a handle of another process names
    SharedArray     an ndarray over a Block, pickled as a handle
    Lock            between processes; the next owner learns that the holder died

The tables behind it are ext/shared_tables.h, mapping and processes ext/shared_arena.h. Called by allcores.shared.
"""
import numpy as np

from allcores._driver cimport parallel_for, threads_over
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from cpython.memoryview cimport PyMemoryView_Check
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.errno cimport ENOMEM, errno
from libc.string cimport memcpy, memset
from npyapi cimport *
from numpy cimport import_array

cdef extern from "shared_arena.h" nogil:
    ctypedef unsigned int uint32 "uint32_t"
    ctypedef unsigned long long uint64 "uint64_t"
    ctypedef long long int64 "int64_t"
    ctypedef struct ac_block:
        uint64 offset, size, generation, dirty
        uint32 below, above, first, state
    ctypedef struct ac_ref:
        uint64 token, since
        uint32 block, member, next
    ctypedef struct ac_member:
        uint64 started
        uint32 pid, state, refs
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct ac_head:
        uint64 id, inode, bytes, data, room, live, live_bytes, kept, pins, token
        uint32 block_top, ref_top, retired, recovered
        ac_member *member
    ctypedef struct ac_arena:
        ac_head *head
        char *data
        uint64 id, inode
        int64 idle
        uint32 me
        int fd, own, users
    ac_arena *ac_arenas
    int AC_ARENAS, AC_NONE, AC_GRAIN, AC_UNUSED, AC_FREE, AC_USED
    uint32 AC_MEMBERS
    uint64 AC_PAGE
    uint64 ac_keep_most
    int64 ac_last_look, AC_LOOK_NS, AC_IDLE_NS
    ac_block *AC_BLOCKS(ac_head *)
    ac_ref *AC_REFS(ac_head *)
    int ac_try(ac_arena *)
    void ac_wait(ac_arena *, int64)
    void ac_unlock(ac_arena *)
    int ac_make(uint64)
    int ac_open(uint32, int, uint64, uint64)
    int ac_place_of(uint64, uint64)
    int ac_join_arena(ac_arena *)
    void ac_close(ac_arena *)
    int ac_bury(ac_arena *)
    int ac_alone(ac_arena *)
    uint64 ac_kept()
    uint32 ac_take(ac_head *, uint32, uint64, uint64, uint64 *)
    uint32 ac_new_ref(ac_head *, uint32, uint32, uint64, uint64)
    void ac_end_pin(ac_arena *, uint32, uint64)
    int ac_hold(ac_arena *, uint32, uint64, uint32, uint64)
    int ac_drop(ac_arena *, uint32)
    void ac_drop_cleared(ac_arena *, uint32, int)
    uint32 ac_my_ref(ac_arena *, uint32)
    void ac_end_ref(ac_head *, uint32)
    void ac_free(ac_head *, uint32, uint64)
    void ac_trim(ac_arena *)
    int ac_clear(ac_arena *, uint64, uint64)
    int ac_populate(char *, size_t)
    void *ac_map(int, uint64, size_t, int)
    void *MAP_FAILED
    int munmap(void *, size_t)
    int ac_make_mutex(pthread_mutex_t *)
    int64 ac_now_ns()
    void ac_before_fork()
    void ac_after_fork_in_parent()
    void ac_after_fork_in_child()
    int ac_at_fork(void (*)() noexcept nogil, void (*)() noexcept nogil, void (*)() noexcept nogil)
    int getpid()

cdef extern from "signal.h" nogil:
    int SIGKILL
    int kill(int, int)

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewFromDescr(
        PyTypeObject *, PyArray_Descr *, int, const Py_ssize_t *, const Py_ssize_t *, void *, int, PyObject *)
    int PyArray_SetBaseObject(PyArrayObject *, object) except -1
    PyTypeObject PyArray_Type
    int NPY_MAXDIMS

import_array()

include "_shared_blocks.pxi"
include "_shared_making.pxi"
include "_shared_arrays.pxi"
include "_shared_locks.pxi"
include "_shared_check.pxi"

ac_at_fork(ac_before_fork, ac_after_fork_in_parent, ac_after_fork_in_child)
