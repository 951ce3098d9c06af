"""How a front end reaches the engine: started on demand, attached, and attached again by itself."""
