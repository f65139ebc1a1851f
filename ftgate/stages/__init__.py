"""One verb each: values and ports in, the run with one part more out."""
