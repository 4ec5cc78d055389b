"""The peer: a small live blog written the way the documentation of Django and Channels teaches."""
