"""Policies: networks that act at once, learnt in dreams, in real environments or from recordings."""

from vdworld.agents.policies.actor_critic import ActorCritic
from vdworld.agents.policies.cloning import BehaviourCloning
from vdworld.agents.policies.policy import Policy

__all__ = ["ActorCritic", "BehaviourCloning", "Policy"]
