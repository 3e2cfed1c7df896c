"""``python -m plugin``: a Berth server's plugins, from the command line."""
