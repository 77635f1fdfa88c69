"""The documentation that people use, served at `/docs`: pages in Markdown beside the code that shows them."""
