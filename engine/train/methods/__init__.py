"""How a model is made trainable: each PEFT method, where it goes, its files and the proof of them."""
