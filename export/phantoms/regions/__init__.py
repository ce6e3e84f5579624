"""Simple images of every region of the body, as many modalities show them: a seed goes in, one image comes out."""
