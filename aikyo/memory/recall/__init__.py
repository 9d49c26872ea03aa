"""How what was remembered is found again: words, ranking."""
