from collections import OrderedDict as Fixture

__all__ = ["Fixture"]
