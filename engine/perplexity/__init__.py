"""How much each answer surprises the base model, before anything is learnt: a side job with torch."""
