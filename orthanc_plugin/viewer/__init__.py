"""OHIF on the node: fetched from its npm package, fitted to `/ohif/`, served, and taught what the node can do."""
