"""CT of the abdomen at two doses: the same slices without noise, with that of the usual dose, and with that of less."""
