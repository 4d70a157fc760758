"""Recorded experience: dataset folders in the LeRobot v3 layout, and clips of their episodes in memory."""

from vdworld.data.clips import Clips, ClipSampler, ClipSource
from vdworld.data.dataset import Dataset, load_dataset
from vdworld.data.episode import Episode
from vdworld.data.episode_writer import EpisodeWriter
from vdworld.data.resize import resize_area

__all__ = ["ClipSampler", "ClipSource", "Clips", "Dataset", "Episode", "EpisodeWriter", "load_dataset", "resize_area"]
