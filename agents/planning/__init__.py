"""Planning methods: they search over encoded action sequences and know nothing of worlds."""

from vdworld.agents.planning.cross_entropy import CrossEntropy

__all__ = ["CrossEntropy"]
