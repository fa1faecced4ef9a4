"""The stores: where bytes lie."""
