"""Benchmarks: speed, memory, disk and exactness of libraries, measured on real processes."""
