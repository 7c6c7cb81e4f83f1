"""What may be set, where does it come from, and what is wrong with it?"""
