"""Converts orders into one currency, and keeps a running total for each customer.

    ./bin/pyflink-stream.sh examples/orders.py examples/lib/pricing
    ./bin/pyflink-stream.sh examples/orders.py examples/lib/pricing - --currency CHF --rates examples/rates.csv

The package "pricing", which knows how to convert, is not beside this script: the command line hands it over, here and
to the workers. What follows the dash is for the script: --currency is the currency of the totals (EUR when there is
none), --rates a file with the rates to use instead of the package's own.

Prints a line for each order: the customer, and what all orders up to this one come to.
"""

import argparse
from decimal import Decimal
from typing import NamedTuple

from pricing import ExchangeRates

from org.apache.flink.api.common.functions import MapFunction, ReduceFunction, RichMapFunction
from org.apache.flink.api.java.functions import KeySelector


class Order(NamedTuple):
    customer: str
    amount: Decimal
    currency: str


ORDERS = (
    Order("Ada", Decimal("120.00"), "GBP"),
    Order("Blaise", Decimal("80.00"), "EUR"),
    Order("Ada", Decimal("19.90"), "EUR"),
    Order("Grace", Decimal("250.00"), "USD"),
    Order("Blaise", Decimal("45.50"), "CHF"),
    Order("Grace", Decimal("99.99"), "USD"),
)


class Convert(RichMapFunction):
    """Each worker loads the rates once, before its first order."""

    def __init__(self, currency, rates_file):
        self._currency = currency
        self._rates_file = rates_file

    def open(self, config):
        self._rates = ExchangeRates.load(self._rates_file)

    def map(self, order):
        amount = self._rates.convert(order.amount, order.currency, self._currency)
        return order._replace(amount=amount, currency=self._currency)


class Customer(KeySelector):
    def getKey(self, order):
        return order.customer


class Total(ReduceFunction):
    def reduce(self, total, order):
        return total._replace(amount=total.amount + order.amount)


class Line(MapFunction):
    def map(self, total):
        return f"{total.customer}: {total.amount:.2f} {total.currency}"


def main(factory):
    parser = argparse.ArgumentParser(description="Keeps a running total of each customer's orders.")
    parser.add_argument("--currency", default="EUR", help="the currency of the totals (default: %(default)s)")
    parser.add_argument("--rates", metavar="FILE", help="a CSV file: currency, how much of it one euro buys")
    arguments = parser.parse_args()

    env = factory.get_execution_environment()
    orders = env.from_elements(*ORDERS).map(Convert(arguments.currency, arguments.rates))
    orders.key_by(Customer()).reduce(Total()).map(Line()).output()
    env.execute("Orders")
