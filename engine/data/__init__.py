"""Reads training data and turns it into token ids and label masks, without torch."""

from engine.data.dataset import Dataset
from engine.data.prepare import Prepared, prepare
from engine.data.refusal import Refusal
from engine.data.tokenizer import ModelTokenizer

__all__ = ["Dataset", "ModelTokenizer", "Prepared", "Refusal", "prepare"]
