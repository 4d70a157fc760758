"""The network of a policy: an actor and a critic, each with an image encoder and a recurrent cell of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vdworld.agents.policies import two_hot
from vdworld.agents.policies.encoder import RunningScale, image_encoder
from vdworld.agents.policies.observation_batch import ObservationBatch
from vdworld.agents.policies.recurrent_state import RecurrentState


class Tower(nn.Module):
    """Map observations and a hidden state to features.

    A GRU reads the picture, the readings and the previous action; the features combine its state with the newest
    observation.

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
        embedding_dim = hidden_dim + 2 * num_readings
        self.image_encoder = image_encoder(num_channels, image_size, hidden_dim)
        self.cell = nn.GRUCell(embedding_dim + action_dim, hidden_dim) if recurrent else None
        self.mix = nn.Sequential(nn.Linear(embedding_dim + hidden_dim * recurrent, hidden_dim), nn.SiLU())

    def encode(self, frames: Tensor, readings: Tensor) -> Tensor:
        """Return embeddings ``[..., e]`` of frames ``[..., c, h, w]`` and normalised readings ``[..., 2 d]``."""
        leading = frames.shape[:-3]
        pixels = frames.flatten(0, -4).float().div_(127.5).sub_(1.0)
        return torch.cat([self.image_encoder(pixels).unflatten(0, leading), readings], dim=-1)

    def update_hidden(self, embeddings: Tensor, previous_actions: Tensor, hidden: Tensor) -> Tensor:
        """Return the hidden states ``[b, d]`` after observations ``[b, e]`` that followed actions ``[b, a]``."""
        return hidden if self.cell is None else self.cell(torch.cat([embeddings, previous_actions], dim=-1), hidden)

    def features(self, embeddings: Tensor, hidden: Tensor) -> Tensor:
        """Return the features ``[..., d]`` of observations ``[..., e]`` and the hidden states after them."""
        return self.mix(embeddings if self.cell is None else torch.cat([embeddings, hidden], dim=-1))


class PolicyNetwork(nn.Module):
    """Map observations and a recurrent state to a distribution over actions and a value.

    Actor and critic share nothing: the critic's losses, which are large at first, would destroy the actor's features.
    Before training, all actions of a discrete choice are about equally likely and all values are zero.

    Args:
        num_channels: Channels of the pictures.
        image_size: Their height and width, from 2 pixels.
        num_readings: Number of readings beside the pictures.
        action_dim: Length of an encoded action.
        num_outputs: Parameters of a distribution over actions; see ``ActionLayout``.
        hidden_dim: Width of everything after the image encoder.
        recurrent: Whether there is a recurrent cell; without one, actions depend on the newest observation alone.
        frame_stack: Number of frames in an observation, the newest included; missing frames are black.
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
        for parameter in (self.actor.bias, self.critic.weight, self.critic.bias):
            nn.init.zeros_(parameter)

    def initial_state(self, num_lanes: int) -> RecurrentState:
        """Return the state of lanes that have observed nothing."""
        weight = self.actor.weight
        hidden, previous_actions = (
            weight.new_zeros(num_lanes, size) for size in (2 * self.hidden_dim, self.action_dim)
        )
        past_frames = weight.new_zeros(num_lanes, *self.past_shape, dtype=torch.uint8)
        return RecurrentState(hidden, previous_actions, past_frames)

    def stack(self, observations: ObservationBatch, state: RecurrentState) -> ObservationBatch:
        """Stack observations ``[b, c, h, w]`` with the frames before them: ``[b, k c, h, w]``, oldest first."""
        if self.frame_stack == 1:
            return observations
        frames = torch.cat([state.past_frames, observations.frames], dim=1)
        return ObservationBatch(frames, observations.readings)

    def encode(self, observations: ObservationBatch) -> list[Tensor]:
        """Return the embeddings ``[..., e]`` of stacked observations ``[..., k c, h, w]``, one tensor per tower."""
        readings = self.scale(observations.readings)
        return [tower.encode(observations.frames, readings) for tower in self._towers()]

    def update_hidden(self, embeddings: list[Tensor], hidden: Tensor, previous_actions: Tensor) -> Tensor:
        """Return the hidden states ``[b, d]`` after observations ``[b, e]`` that followed actions ``[b, a]``."""
        parts = zip(self._towers(), embeddings, hidden.chunk(2, dim=-1), strict=True)
        states = [tower.update_hidden(embedding, previous_actions, part) for tower, embedding, part in parts]
        return torch.cat(states, dim=-1)

    def heads(self, embeddings: list[Tensor], hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Return the parameters ``[..., o]`` of action distributions, and the critic's features ``[..., d]``."""
        parts = zip(self._towers(), embeddings, hidden.chunk(2, dim=-1), strict=True)
        actor_features, critic_features = (tower.features(embedding, part) for tower, embedding, part in parts)
        return self.actor(actor_features), critic_features

    def step(self, observations: ObservationBatch, state: RecurrentState) -> tuple[Tensor, Tensor, RecurrentState]:
        """Process one observation per lane; return distribution parameters ``[b, o]``, values ``[b]`` and the state.

        The caller adds the actions that it takes to the state: see ``RecurrentState.after``.
        """
        stacked = self.stack(observations, state)
        embeddings = self.encode(stacked)
        hidden = self.update_hidden(embeddings, state.hidden, state.previous_actions)
        outputs, features = self.heads(embeddings, hidden)
        past_frames = stacked.frames[:, stacked.frames.shape[1] - self.past_shape[0] :]
        state = RecurrentState(hidden, state.previous_actions, past_frames)
        return outputs, two_hot.mean(self.critic(features)), state

    def unroll(
        self, observations: ObservationBatch, previous_actions: Tensor, hidden: Tensor, is_first: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Process sequences with gradients; return parameters ``[b, t, o]`` and the critic's features ``[b, t, d]``.

        Args:
            observations: Stacked observations ``[b, t, ...]``.
            previous_actions: The encoded actions that led to them ``[b, t, a]``.
            hidden: Hidden states before them ``[b, t, d]``; read where `is_first` is true.
            is_first: Where an episode or the sequence begins ``[b, t]``; true in the first column.
        """
        embeddings, state, states = self.encode(observations), hidden[:, 0], []
        for t in range(is_first.shape[1]):
            state = torch.where(is_first[:, t, None], hidden[:, t], state)
            state = self.update_hidden([part[:, t] for part in embeddings], state, previous_actions[:, t])
            states.append(state)
        return self.heads(embeddings, torch.stack(states, dim=1))

    def unroll_actor(self, observations: ObservationBatch, previous_actions: Tensor, step_mask: Tensor) -> Tensor:
        """Process sequences from the initial state with gradients, the actor alone.

        Args:
            observations: Observations, not yet stacked, ``[b, t, ...]``.
            previous_actions: The encoded actions that led to them ``[b, t, a]``.
            step_mask: Which steps to process ``[b, t]``: in every row a prefix.

        Returns:
            Parameters of action distributions ``[n, o]`` for the n steps of the mask.
        """
        tower, readings = self._towers()[0], self.scale(observations.readings)
        frames = stack_frames(observations.frames, self.frame_stack)
        masked_embeddings = tower.encode(frames[step_mask], readings[step_mask])
        embeddings = masked_embeddings.new_zeros(*step_mask.shape, masked_embeddings.shape[-1])
        embeddings[step_mask] = masked_embeddings
        state, states = self.initial_state(len(step_mask)).hidden.chunk(2, dim=-1)[0], []
        for t in range(step_mask.shape[1]):
            state = tower.update_hidden(embeddings[:, t], previous_actions[:, t], state)
            states.append(state)
        return self.actor(tower.features(masked_embeddings, torch.stack(states, dim=1)[step_mask]))

    def burn_in(self, observations: ObservationBatch, actions: Tensor, action_mask: Tensor) -> RecurrentState:
        """Return the state after ``k - 1`` transitions, before the last observation is processed.

        Args:
            observations: Observations ``[b, k, ...]``; the last one is left to the next ``step``.
            actions: Encoded actions between them ``[b, k - 1, a]``.
            action_mask: Which actions were taken ``[b, k - 1]``; everything before a missing one is ignored.
        """
        initial = state = self.initial_state(len(actions))
        if actions.shape[1] == 0:
            return initial
        frames = stack_frames(observations.frames, self.frame_stack, action_mask)
        earlier = ObservationBatch(frames[:, :-1], observations.readings[:, :-1])
        embeddings = self.encode(earlier) if self.recurrent else []
        for i in range(actions.shape[1]):
            hidden = state.hidden
            if self.recurrent:
                hidden = self.update_hidden([part[:, i] for part in embeddings], hidden, state.previous_actions)
            past_frames = frames[:, i + 1, : self.past_shape[0]]
            state = RecurrentState(hidden, actions[:, i], past_frames).where(action_mask[:, i], initial)
        return state

    def _towers(self) -> list[Tower]:
        return [tower for tower in self.towers if isinstance(tower, Tower)]


def stack_frames(frames: Tensor, count: int, action_mask: Tensor | None = None) -> Tensor:
    """Stack each frame of a sequence with the frames before it.

    Args:
        frames: A sequence ``[b, t, c, h, w]``.
        count: Number of frames per stack.
        action_mask: Between which frames an action was taken ``[b, t - 1]``; where none was, another sequence begins.
            None means between all.

    Returns:
        Stacks ``[b, t, count * c, h, w]``, oldest first, with zeros for missing frames.
    """
    shifted, black = [frames], torch.zeros_like(frames[:, :1])
    for _ in range(count - 1):
        before = shifted[0][:, :-1]
        if action_mask is not None:
            before = before * action_mask[..., None, None, None]
        shifted.insert(0, torch.cat([black, before], dim=1))
    return torch.cat(shifted, dim=2)
