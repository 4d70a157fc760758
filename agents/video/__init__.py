"""Video as policy: imagine a video to the goal, and infer its actions (UniPi, Du et al. 2023)."""

from vdworld.agents.video.goal_clips import GoalClips
from vdworld.agents.video.inverse_dynamics import InverseDynamics
from vdworld.agents.video.video_model import train_video_model
from vdworld.agents.video.video_policy import VideoPolicy

__all__ = ["GoalClips", "InverseDynamics", "VideoPolicy", "train_video_model"]
