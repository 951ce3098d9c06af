"""Rules over the curve of any training: pure, fed with numbers, without torch."""
