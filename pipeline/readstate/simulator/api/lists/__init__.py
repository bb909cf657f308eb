"""The pages of a list, in each order and with each kind of token that an account may have."""
