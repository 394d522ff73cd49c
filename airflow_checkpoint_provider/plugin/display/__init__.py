"""The texts and figures of a page, from values that were read before."""
