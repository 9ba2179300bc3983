"""What the product does, as plain functions that know neither HTTP nor the command line."""
