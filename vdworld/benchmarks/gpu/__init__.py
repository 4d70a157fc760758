"""The GPU check: tests, speed and training on a CUDA device in one command of at most ten minutes."""

from vdworld.benchmarks.gpu.check import run

__all__ = ["run"]
