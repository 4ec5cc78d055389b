"""Random requests to everything there is: a world to ask for, the addresses in it, and what is wrong with an answer."""
