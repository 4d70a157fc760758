"""The network of a policy: an actor and a critic, each with eyes and a memory of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vdworld.agents.policies import two_hot
from vdworld.agents.policies.eyes import RunningScale, eyes
from vdworld.agents.policies.observing import Seen


@dataclass(frozen=True)
class Memory:
    """What lanes remember before they see the next observation.

    Args:
        hidden: States of the recurrent cells ``[b, d]``, the actor's, then the critic's.
        previous: The encoded action that led to the next observation ``[b, a]``; zeros where there was none.
    """

    hidden: Tensor
    previous: Tensor

    def where(self, mask: Tensor, other: Memory) -> Memory:
        """Take the lanes of ``mask`` ``[b]`` from here and the rest from another."""
        chosen = mask[:, None]
        hidden = torch.where(chosen, self.hidden, other.hidden)
        return Memory(hidden, torch.where(chosen, self.previous, other.previous))


class Tower(nn.Module):
    """From observations and a memory to features.

    A GRU reads pictures, numbers and the previous action; the features come of its state and of what it has just read.

    Args:
        num_channels, image_size, num_readings, action_dim, hidden_dim, recurrent: See ``PolicyNetwork``.
    """

    def __init__(
        self,
        num_channels: int,
        image_size: tuple[int, int],
        num_readings: int,
        action_dim: int,
        hidden_dim: int,
        recurrent: bool,
    ) -> None:
        super().__init__()
        num_looked = hidden_dim + 2 * num_readings
        self.eyes = eyes(num_channels, image_size, hidden_dim)
        self.cell = nn.GRUCell(num_looked + action_dim, hidden_dim) if recurrent else None
        self.mix = nn.Sequential(nn.Linear(num_looked + hidden_dim * recurrent, hidden_dim), nn.SiLU())

    def look(self, frames: Tensor, readings: Tensor) -> Tensor:
        """Return what is read off frames ``[..., c, h, w]`` and scaled readings ``[..., 2 d]``: ``[..., f]``."""
        leading = frames.shape[:-3]
        pixels = frames.flatten(0, -4).float().div_(127.5).sub_(1.0)
        return torch.cat([self.eyes(pixels).unflatten(0, leading), readings], dim=-1)

    def remember(self, looked: Tensor, previous: Tensor, hidden: Tensor) -> Tensor:
        """Return the state ``[b, d]`` once lanes have seen ``looked`` ``[b, f]`` after ``previous`` ``[b, a]``."""
        return hidden if self.cell is None else self.cell(torch.cat([looked, previous], dim=-1), hidden)

    def features(self, looked: Tensor, hidden: Tensor) -> Tensor:
        """Return the features ``[..., d]`` of what was just seen and what is remembered."""
        return self.mix(looked if self.cell is None else torch.cat([looked, hidden], dim=-1))


class PolicyNetwork(nn.Module):
    """From observations and a memory to a distribution over actions and a value.

    Actor and critic share nothing: the critic's losses, which are large at first, would wipe out what the actor needs.
    Before anything is learnt, all actions of a choice are nearly as likely and all values are zero.

    Args:
        num_channels: Of the pictures.
        image_size: Their height and width, from 2 pixels.
        num_readings: Numbers beside the pictures.
        action_dim: Length of an encoded action.
        num_outputs: How many numbers describe a distribution over actions.
        hidden_dim: Width of everything behind the eyes.
        recurrent: Whether there is a memory; without it, the newest observation is all that counts.
    """

    def __init__(
        self,
        *,
        num_channels: int,
        image_size: tuple[int, int],
        num_readings: int,
        action_dim: int,
        num_outputs: int,
        hidden_dim: int = 256,
        recurrent: bool = True,
    ) -> None:
        super().__init__()
        self.action_dim, self.hidden_dim, self.recurrent = action_dim, hidden_dim, recurrent
        sizes = (num_channels, image_size, num_readings, action_dim, hidden_dim, recurrent)
        self.towers = nn.ModuleList([Tower(*sizes), Tower(*sizes)])
        self.scale = RunningScale(num_readings)
        self.actor, self.critic = nn.Linear(hidden_dim, num_outputs), nn.Linear(hidden_dim, two_hot.NUM_BINS)
        nn.init.orthogonal_(self.actor.weight, 0.01)
        for nothing in (self.actor.bias, self.critic.weight, self.critic.bias):
            nn.init.zeros_(nothing)

    def blank(self, num_lanes: int) -> Memory:
        """Return the memory of lanes that have seen nothing."""
        weight = self.actor.weight
        return Memory(weight.new_zeros(num_lanes, 2 * self.hidden_dim), weight.new_zeros(num_lanes, self.action_dim))

    def look(self, seen: Seen) -> list[Tensor]:
        """Return what each tower reads off observations ``[..., c, h, w]``: ``[..., f]``."""
        readings = self.scale(seen.readings)
        return [tower.look(seen.frames, readings) for tower in self._towers()]

    def remember(self, looked: list[Tensor], memory: Memory) -> Tensor:
        """Return the hidden states ``[b, d]`` once lanes have seen ``looked`` ``[b, f]``."""
        states = memory.hidden.chunk(2, dim=-1)
        lots = zip(self._towers(), looked, states, strict=True)
        return torch.cat([tower.remember(part, memory.previous, state) for tower, part, state in lots], dim=-1)

    def judge(self, looked: list[Tensor], hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs ``[..., o]`` for a distribution over actions, and the critic's features ``[..., f]``."""
        lots = zip(self._towers(), looked, hidden.chunk(2, dim=-1), strict=True)
        acting, judging = (tower.features(part, state) for tower, part, state in lots)
        return self.actor(acting), judging

    def step(self, seen: Seen, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """See one observation per lane; return outputs ``[b, o]``, values ``[b]`` and the hidden states ``[b, d]``."""
        looked = self.look(seen)
        hidden = self.remember(looked, memory)
        outputs, features = self.judge(looked, hidden)
        return outputs, two_hot.mean(self.critic(features)), hidden

    def unroll(self, seen: Seen, previous: Tensor, hidden: Tensor, begins: Tensor) -> tuple[Tensor, Tensor]:
        """Live through stretches again, with gradients; return outputs and the critic's features ``[b, t, ...]``.

        Args:
            seen: Observations ``[b, t, ...]``.
            previous: The encoded actions that led to them ``[b, t, a]``.
            hidden: Hidden states before them ``[b, t, d]``, of which those count where something begins.
            begins: Where a stretch begins ``[b, t]``; the first column is.
        """
        looked, state, states = self.look(seen), hidden[:, 0], []
        for t in range(begins.shape[1]):
            state = torch.where(begins[:, t, None], hidden[:, t], state)
            state = self.remember([part[:, t] for part in looked], Memory(state, previous[:, t]))
            states.append(state)
        return self.judge(looked, torch.stack(states, dim=1))

    def imitate(self, seen: Seen, previous: Tensor, counted: Tensor) -> Tensor:
        """Live through stretches from an empty memory, with gradients; return the actor's outputs of steps that count.

        The critic rests, and what comes after the last step that counts is not looked at.

        Args:
            seen: Observations ``[b, t, ...]``.
            previous: The encoded actions that led to them ``[b, t, a]``.
            counted: Which steps count ``[b, t]``: in every row those up to some step. Their n outputs are ``[n, o]``.
        """
        tower, readings = self._towers()[0], self.scale(seen.readings)
        found = tower.look(seen.frames[counted], readings[counted])
        looked = found.new_zeros(*counted.shape, found.shape[-1])
        looked[counted] = found
        state, states = self.blank(len(counted)).hidden.chunk(2, dim=-1)[0], []
        for t in range(counted.shape[1]):
            state = tower.remember(looked[:, t], previous[:, t], state)
            states.append(state)
        return self.actor(tower.features(found, torch.stack(states, dim=1)[counted]))

    def burn_in(self, seen: Seen, actions: Tensor, known: Tensor) -> Memory:
        """Return the memory of lanes that have lived through ``k - 1`` transitions, before they see the last frame.

        Args:
            seen: Observations ``[b, k, ...]``; the last one is left to the next step.
            actions: Encoded actions between them ``[b, k - 1, a]``.
            known: Which of these were taken ``[b, k - 1]``; what lies before one that was not is forgotten.
        """
        blank = memory = self.blank(len(actions))
        if actions.shape[1] == 0:
            return blank
        looked = self.look(seen.map(lambda part: part[:, :-1]))
        for i in range(actions.shape[1]):
            hidden = self.remember([part[:, i] for part in looked], memory)
            memory = Memory(hidden, actions[:, i]).where(known[:, i], blank)
        return memory

    def _towers(self) -> list[Tower]:
        return [tower for tower in self.towers if isinstance(tower, Tower)]
