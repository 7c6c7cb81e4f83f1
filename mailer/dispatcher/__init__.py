"""Who takes due items from the queue and hands them to the carriers?

The package is the meeting of the pure rules (smtp, carrier, schedule, message) with the network and the store:
`dispatcher` finds what is due, `site` shares out a carrier's connections, `job` and `letters` make mail of an item,
`ledger` writes down what came of it.
"""
