"""The chat system's services, as its Python programs see them."""
