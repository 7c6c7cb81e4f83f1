"""Which verbs does the command `mimamori` know?"""
