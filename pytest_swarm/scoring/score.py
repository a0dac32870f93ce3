"""The public names of the room: what a run and the simulator import."""

from __future__ import annotations

from pytest_swarm.scoring.judge import JudgeModel
from pytest_swarm.scoring.scorers import Scorers, score_text
from pytest_swarm.scoring.verdict import Score

__all__ = ["JudgeModel", "Score", "Scorers", "score_text"]
