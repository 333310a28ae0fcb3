"""Parts of the demo catalog: hidden tastes, and what follows from them."""
