"""CT of the upper abdomen with a liver that is cirrhotic or not: a seed in, slices, label and blood values out."""
