"""Bridges to other libraries, imported only when used."""
