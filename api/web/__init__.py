"""The pages: the same figures for people, written on the server, whole without scripts."""
