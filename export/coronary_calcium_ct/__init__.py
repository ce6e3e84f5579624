"""Trains, evaluates and exports `coronary-calcium-ct`: calcified plaques of the coronary arteries, artery by artery."""
