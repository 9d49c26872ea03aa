"""What brains that ask a model have in common, whichever API it speaks."""
