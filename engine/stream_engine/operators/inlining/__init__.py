"""The code of short functions of the user's, put into the chain that calls them."""
