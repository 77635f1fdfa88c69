"""A read-only Model Context Protocol server: a language model asks the API, and no number comes bare."""
