"""A checker of vector environments against Gymnasium's contract, dreams or not: ``check_vector_env``."""

from vdworld.envs.checking.vector_env_checker import check_vector_env

__all__ = ["check_vector_env"]
