"""The network of a policy: an actor and a critic, each with eyes and a memory of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from vdworld.agents.policies import two_hot
from vdworld.agents.policies.encoder import RunningScale, eyes
from vdworld.agents.policies.observation_batch import ObservationBatch


@dataclass(frozen=True)
class Memory:
    """What lanes remember before they see the next observation.

    Args:
        hidden: States of the recurrent cells ``[b, d]``, the actor's, then the critic's.
        previous: The encoded action that led to the next observation ``[b, a]``; zeros where there was none.
        past: The frames that are seen again beside the next one, the oldest first, uint8 ``[b, p, h, w]``; black where
            there was none.
    """

    hidden: Tensor
    previous: Tensor
    past: Tensor

    def where(self, mask: Tensor, other: Memory) -> Memory:
        """Take the lanes of ``mask`` ``[b]`` from here and the rest from another."""
        chosen = mask[:, None]
        hidden = torch.where(chosen, self.hidden, other.hidden)
        previous = torch.where(chosen, self.previous, other.previous)
        return Memory(hidden, previous, torch.where(chosen[..., None, None], self.past, other.past))

    def after(self, actions: Tensor) -> Memory:
        """Return what is remembered once encoded actions ``[b, a]`` were taken."""
        return replace(self, previous=actions)


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
        recurrent: Whether there is a recurrent memory; without it, nothing counts that is not seen.
        frame_stack: How many frames are seen at once, the newest and those before it; further back is black where
            nothing was seen.
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
        frame_stack: int = 1,
    ) -> None:
        super().__init__()
        self.action_dim, self.hidden_dim = action_dim, hidden_dim
        self.recurrent, self.frame_stack = recurrent, frame_stack
        self.past_shape = ((frame_stack - 1) * num_channels, *image_size)
        sizes = (frame_stack * num_channels, image_size, num_readings, action_dim, hidden_dim, recurrent)
        self.towers = nn.ModuleList([Tower(*sizes), Tower(*sizes)])
        self.scale = RunningScale(num_readings)
        self.actor, self.critic = nn.Linear(hidden_dim, num_outputs), nn.Linear(hidden_dim, two_hot.NUM_BINS)
        nn.init.orthogonal_(self.actor.weight, 0.01)
        for nothing in (self.actor.bias, self.critic.weight, self.critic.bias):
            nn.init.zeros_(nothing)

    def blank(self, num_lanes: int) -> Memory:
        """Return the memory of lanes that have seen nothing."""
        weight = self.actor.weight
        hidden, previous = (weight.new_zeros(num_lanes, size) for size in (2 * self.hidden_dim, self.action_dim))
        return Memory(hidden, previous, weight.new_zeros(num_lanes, *self.past_shape, dtype=torch.uint8))

    def stack(self, seen: ObservationBatch, memory: Memory) -> ObservationBatch:
        """Return observations ``[b, c, h, w]`` with the frames before them: ``[b, k c, h, w]``, the oldest first."""
        return (
            seen
            if self.frame_stack == 1
            else ObservationBatch(torch.cat([memory.past, seen.frames], dim=1), seen.readings)
        )

    def look(self, seen: ObservationBatch) -> list[Tensor]:
        """Return what each tower reads off stacked observations ``[..., k c, h, w]``: ``[..., f]``."""
        readings = self.scale(seen.readings)
        return [tower.look(seen.frames, readings) for tower in self._towers()]

    def remember(self, looked: list[Tensor], hidden: Tensor, previous: Tensor) -> Tensor:
        """Return the states ``[b, d]`` once lanes have seen ``looked`` ``[b, f]`` after ``previous`` ``[b, a]``."""
        lots = zip(self._towers(), looked, hidden.chunk(2, dim=-1), strict=True)
        return torch.cat([tower.remember(part, previous, state) for tower, part, state in lots], dim=-1)

    def judge(self, looked: list[Tensor], hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the outputs ``[..., o]`` for a distribution over actions, and the critic's features ``[..., f]``."""
        lots = zip(self._towers(), looked, hidden.chunk(2, dim=-1), strict=True)
        acting, judging = (tower.features(part, state) for tower, part, state in lots)
        return self.actor(acting), judging

    def step(self, seen: ObservationBatch, memory: Memory) -> tuple[Tensor, Tensor, Memory]:
        """See one observation per lane; return outputs ``[b, o]``, values ``[b]`` and what is remembered.

        What is done next is up to the caller: see ``Memory.after``.
        """
        stacked = self.stack(seen, memory)
        looked = self.look(stacked)
        hidden = self.remember(looked, memory.hidden, memory.previous)
        outputs, features = self.judge(looked, hidden)
        past = stacked.frames[:, stacked.frames.shape[1] - self.past_shape[0] :]
        return outputs, two_hot.mean(self.critic(features)), Memory(hidden, memory.previous, past)

    def unroll(self, seen: ObservationBatch, previous: Tensor, hidden: Tensor, begins: Tensor) -> tuple[Tensor, Tensor]:
        """Live through stretches again, with gradients; return outputs and the critic's features ``[b, t, ...]``.

        Args:
            seen: Stacked observations ``[b, t, ...]``.
            previous: The encoded actions that led to them ``[b, t, a]``.
            hidden: Hidden states before them ``[b, t, d]``, of which those count where something begins.
            begins: Where a stretch begins ``[b, t]``; the first column is.
        """
        looked, state, states = self.look(seen), hidden[:, 0], []
        for t in range(begins.shape[1]):
            state = torch.where(begins[:, t, None], hidden[:, t], state)
            state = self.remember([part[:, t] for part in looked], state, previous[:, t])
            states.append(state)
        return self.judge(looked, torch.stack(states, dim=1))

    def imitate(self, seen: ObservationBatch, previous: Tensor, counted: Tensor) -> Tensor:
        """Live through stretches from an empty memory, with gradients; return the actor's outputs of steps that count.

        The critic rests, and what comes after the last step that counts is not looked at.

        Args:
            seen: Observations ``[b, t, ...]``.
            previous: The encoded actions that led to them ``[b, t, a]``.
            counted: Which steps count ``[b, t]``: in every row those up to some step. Their n outputs are ``[n, o]``.
        """
        tower, readings = self._towers()[0], self.scale(seen.readings)
        frames = stack_frames(seen.frames, self.frame_stack)
        found = tower.look(frames[counted], readings[counted])
        looked = found.new_zeros(*counted.shape, found.shape[-1])
        looked[counted] = found
        state, states = self.blank(len(counted)).hidden.chunk(2, dim=-1)[0], []
        for t in range(counted.shape[1]):
            state = tower.remember(looked[:, t], previous[:, t], state)
            states.append(state)
        return self.actor(tower.features(found, torch.stack(states, dim=1)[counted]))

    def burn_in(self, seen: ObservationBatch, actions: Tensor, action_mask: Tensor) -> Memory:
        """Return the memory of lanes that have lived through ``k - 1`` transitions, before they see the last frame.

        Args:
            seen: Observations ``[b, k, ...]``; the last one is left to the next step.
            actions: Encoded actions between them ``[b, k - 1, a]``.
            action_mask: Which of these were taken ``[b, k - 1]``; what lies before one that was not is forgotten.
        """
        blank = memory = self.blank(len(actions))
        if actions.shape[1] == 0:
            return blank
        frames = stack_frames(seen.frames, self.frame_stack, action_mask)
        looked = self.look(ObservationBatch(frames[:, :-1], seen.readings[:, :-1])) if self.recurrent else []
        for i in range(actions.shape[1]):
            hidden = memory.hidden
            if self.recurrent:
                hidden = self.remember([part[:, i] for part in looked], hidden, memory.previous)
            past = frames[:, i + 1, : self.past_shape[0]]
            memory = Memory(hidden, actions[:, i], past).where(action_mask[:, i], blank)
        return memory

    def _towers(self) -> list[Tower]:
        return [tower for tower in self.towers if isinstance(tower, Tower)]


def stack_frames(frames: Tensor, count: int, action_mask: Tensor | None = None) -> Tensor:
    """Put the frames before each frame of a stretch beside it.

    Args:
        frames: A stretch ``[b, t, c, h, w]``.
        count: How many frames to see at once.
        action_mask: Between which frames it is one stretch ``[b, t - 1]``; None is everywhere.

    Returns:
        Frames ``[b, t, count * c, h, w]``, the oldest first, zeros where there is none.
    """
    seen, nothing = [frames], torch.zeros_like(frames[:, :1])
    for _ in range(count - 1):
        before = seen[0][:, :-1]
        if action_mask is not None:
            before = before * action_mask[..., None, None, None]
        seen.insert(0, torch.cat([nothing, before], dim=1))
    return torch.cat(seen, dim=2)
