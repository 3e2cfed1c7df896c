"""What runs inside a sandbox: the zygote, the jail and the worker. Standard library only."""
