"""Parts of the demo catalog: hidden tastes, and the pictures, sounds, words and choices that follow from them."""
