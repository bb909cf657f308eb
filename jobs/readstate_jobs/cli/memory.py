"""Keeps the process of a long run small."""

import ctypes

import pyarrow as pa

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8


def tune_allocator() -> None:
    """Make the process return freed memory to the system. Call it before threads are started.

    pyarrow's own allocator keeps 100 MB of freed memory, and glibc as much again in one arena per thread. The system's
    allocator with one arena is as fast here, because threads spend their time inside pyarrow and SQLite.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc alone has it
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        # Without these two glibc raises both to 32 MB when it meets large blocks, and keeps what is below. Smaller ones
        # save 25 MB and cost a fifth of the CPU at full pages: the kernel clears each block that is asked for again.
        mallopt(_M_TRIM_THRESHOLD, 16 << 20)
        mallopt(_M_MMAP_THRESHOLD, 2 << 20)
