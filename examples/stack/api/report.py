"""The nightly report. It fails where there is no file `orders.csv`, as reports do."""
import sys

try:
    print("orders:", sum(1 for _ in open("orders.csv")))
except FileNotFoundError as error:
    print(f"report: {error}", file=sys.stderr)
    sys.exit(3)
