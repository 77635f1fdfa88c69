"""The figures as pictures: drawn from the same cubes as every answer, with the same words beside them."""
