"""Logistic regression of a score on the type and the text of a prompt; needs scikit-learn (the extra `text`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import EstimateError
from pytest_swarm.estimate.scored_calls import ScoredCall

_TOKEN: Final = r"(?u)\w+|[^\w\s]"  # a word or a sign, so that no prompt is without any
_MAX_FEATURES: Final = 50_000
_INVERSE_PENALTY: Final = 1.0  # C of the ridge penalty |w|^2 / 2C, as scikit-learn has it by default


class TextModel:
    """For each model, the probability that it solves a task, by the task's type and text.

    Features: tf-idf of words and pairs of words (log counts, unit length), and one indicator per type. Ridge penalty.
    A score between 0 and 1 counts as that share of a right answer, and the rest of a wrong one.

    Args:
        calls: The answers to learn from.

    Raises:
        EstimateError: scikit-learn is not installed.
    """

    def __init__(self, calls: Iterable[ScoredCall]) -> None:
        text, self._linear = _sklearn("feature_extraction.text"), _sklearn("linear_model")
        calls = tuple(calls)
        self._words = text.TfidfVectorizer(
            token_pattern=_TOKEN, ngram_range=(1, 2), sublinear_tf=True, max_features=_MAX_FEATURES
        )
        self._words.fit(dict.fromkeys(call.prompt for call in calls))
        self._types = {name: at for at, name in enumerate(sorted({str(call.type) for call in calls}))}
        by_model: dict[str, list[ScoredCall]] = {}
        for call in calls:
            by_model.setdefault(full_tag(call.model), []).append(call)
        self._of_model = {tag: self._fitted(own) for tag, own in by_model.items()}

    def predict(self, model: str, prompts: Sequence[tuple[str, str]]) -> npt.NDArray[np.float64] | None:
        """Return the expected score of each prompt; None for a model without answers.

        Args:
            model: The full tag of the model.
            prompts: Type and text of each prompt.
        """
        found = self._of_model.get(model)
        if found is None or isinstance(found, float):
            return None if found is None else np.full(len(prompts), found)
        probabilities: npt.NDArray[np.float64] = found.predict_proba(self._features(prompts))[:, 1]
        return probabilities

    def _fitted(self, calls: Sequence[ScoredCall]) -> Any:
        """The regression of one model; the score itself where all of its answers had the same, 0 or 1."""
        score = np.array([call.score for call in calls])
        if len(set(score.tolist())) == 1 and score[0] in (0.0, 1.0):
            return float(score[0])
        features = self._features([(str(call.type), call.prompt) for call in calls])
        right, wrong = np.flatnonzero(score > 0), np.flatnonzero(score < 1)
        rows = np.concatenate([right, wrong])
        labels = np.concatenate([np.ones(len(right)), np.zeros(len(wrong))])
        weights = np.concatenate([score[right], 1.0 - score[wrong]])
        regression = self._linear.LogisticRegression(C=_INVERSE_PENALTY, solver="liblinear", max_iter=1000)
        return regression.fit(features[rows], labels, sample_weight=weights)

    def _features(self, prompts: Sequence[tuple[str, str]]) -> Any:
        from scipy.sparse import csr_matrix, hstack

        known = [(row, self._types[kind]) for row, (kind, _) in enumerate(prompts) if kind in self._types]
        rows, columns = ([each[at] for each in known] for at in (0, 1))
        kinds = csr_matrix((np.ones(len(known)), (rows, columns)), shape=(len(prompts), max(1, len(self._types))))
        return hstack([self._words.transform([text for _, text in prompts]), kinds]).tocsr()


def _sklearn(module: str) -> Any:
    try:
        return import_module(f"sklearn.{module}")
    except ImportError as error:
        raise EstimateError(
            "--swarm-estimates=text needs scikit-learn, which is not installed; pip install scikit-learn"
        ) from error
