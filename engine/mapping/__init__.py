"""The words of a mapping: how columns of any names become rows of a shape; light, for every process."""
