"""What follows from what was learned: values in, values out, without IO, clock or randomness."""
