"""One request over many models: cells that are paid once, numbers that hold, and reports made from them."""
