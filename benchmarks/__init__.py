"""Benchmarks: side by side with other generators, ratios within one run, in CPU seconds."""
