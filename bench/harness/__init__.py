"""Measures Berth against yardsticks in one run: bench/run."""
