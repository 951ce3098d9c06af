"""The base model as it is loaded: its code, tokenizer, weights and what is proved of them."""
