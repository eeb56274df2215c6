"""A package for examples/orders.py: what money is worth in another currency."""

from pricing.rates import ExchangeRates

__all__ = ["ExchangeRates"]
