"""TorchRL: any Gymnasium vector environment as a TorchRL environment, without copying tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gymnasium.vector import AutoresetMode, VectorEnv
from torch import Tensor

from vdworld.extras import require

if TYPE_CHECKING:
    from tensordict import TensorDictBase
    from torchrl.envs import GymWrapper
else:
    GymWrapper = require("torchrl.envs", "torchrl").GymWrapper


class TorchRLEnv(GymWrapper):
    """TorchRL's ``GymWrapper`` around a vector environment: dreams, or a SyncVectorEnv of real ones.

    In addition to what ``GymWrapper`` does, lanes can be reset on devices other than the CPU, and ``reset(td)`` resets
    every lane if ``td`` marks none. Dreams made with ``output="torch"`` stay on their device, and their observations
    are not copied. As everywhere in TorchRL, ``set_seed`` resets the environment, so the next ``rollout`` starts with
    the second episodes of that seed.

    Args:
        envs: The vector environment, in autoreset mode DISABLED: TorchRL resets lanes after their episodes end.
        settings: Keyword arguments of ``GymWrapper``, such as ``categorical_action_encoding``.

    Raises:
        ValueError: `envs` is not a vector environment, or is in another autoreset mode.
    """

    def __init__(self, envs: VectorEnv | None = None, **settings: Any) -> None:
        envs = settings.pop("env", envs)
        mode = getattr(envs, "autoreset_mode", None)
        if not isinstance(envs, VectorEnv) or mode is not AutoresetMode.DISABLED:
            raise ValueError(
                f"`envs` must be a vector environment in autoreset mode DISABLED, got {envs} in mode {mode}. Make it "
                "with autoreset_mode=gymnasium.vector.AutoresetMode.DISABLED, and wrap it in TorchRL's transforms only."
            )
        device = getattr(getattr(envs, "world", None), "device", None)
        super().__init__(env=envs, **{"device": device, **settings})

    def _reset(self, tensordict: TensorDictBase | None = None, **kwargs: Any) -> TensorDictBase:
        """Reset the lanes that ``tensordict`` marks, or all; GymWrapper alone requires the mask, on the CPU."""
        mask = None if tensordict is None else tensordict.get("_reset", None)
        if mask is not None:
            kwargs["options"] = {**(kwargs.get("options") or {}), "reset_mask": mask.flatten().cpu().numpy()}
        return super()._reset(None, **kwargs)

    def _output_transform(self, step_outputs_tuple: Any) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Give rewards the shape ``[n, 1]`` of ``reward_spec``; GymWrapper alone does so for arrays only."""
        observations, rewards, *others = super()._output_transform(step_outputs_tuple)
        if isinstance(rewards, Tensor):
            rewards = rewards.reshape(self.reward_spec.shape)
        return observations, rewards, *others
