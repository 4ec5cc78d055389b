"""Finished WebSocket frames: made once for all readers, and the two servers that can write them as they are."""
