"""Answers by rules, a file for each subject; `engine.advisor.answer` finds the subject of a question."""
