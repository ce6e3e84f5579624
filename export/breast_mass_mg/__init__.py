"""breast-mass-mg: finds masses on whole mammograms and outlines them, by one of the two networks of the paper."""
