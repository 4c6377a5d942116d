"""Chaos: random sequences of what can happen to a node, played on a made-up host, and what must hold at every rest."""
