"""What checks of several categories look at: observations made once a server and kept, and helpers to judge them.

No category imports another; what they share is here.
"""
