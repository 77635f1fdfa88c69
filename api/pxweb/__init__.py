"""A PxWebApi 2 face: what clients of SCB's and others' PxWeb ask, answered from the same figures.

It lies outside the versioned API and its contract: the shapes are PxWeb's, kept as its clients read them.
"""
