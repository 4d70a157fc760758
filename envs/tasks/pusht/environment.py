"""Where PushT comes from and how to record it."""

from vdworld.envs.tasks.task_registry import TaskEnvironment

ENVIRONMENT = TaskEnvironment(
    env_id="gym_pusht/PushT-v0",
    goal_task="vdworld.envs.tasks.pusht.goal_task:PushTTask",
    module="gym_pusht",
    extra="pusht",
    # The pictures come from the observation: `render()` marks the action with a red cross.
    recording_kwargs={"obs_type": "pixels_agent_pos", "observation_width": 128, "observation_height": 128},
)
