"""What the code of a function shows: parameters, what it changes, what it keeps, what its results are made of."""
