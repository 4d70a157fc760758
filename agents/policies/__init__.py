"""Policies: networks that map observations to actions, trained in dreams, real environments or on recordings."""

from vdworld.agents.policies.actor_critic import ActorCritic
from vdworld.agents.policies.cloning import BehaviourCloning
from vdworld.agents.policies.policy import Policy

__all__ = ["ActorCritic", "BehaviourCloning", "Policy"]
