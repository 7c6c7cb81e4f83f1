"""Who sends the town's safety mail, takes in what comes back, and remembers what happened?"""
