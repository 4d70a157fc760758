"""Recording of experience from real environments."""

from vdworld.envs.recording.recorder import record

__all__ = ["record"]
