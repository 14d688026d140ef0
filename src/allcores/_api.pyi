# Nothing for Python: see _api.pxd.
