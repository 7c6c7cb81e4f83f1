"""Who takes due items from the queue and hands them to the carriers?

The package is the meeting of the pure rules (smtp, carrier, schedule, message) with the network and the store:
`dispatcher` finds what is due, `ways` knows where it goes, `site` shares out a carrier's connections among its `door`s
within its `limits`, `job` and `letters` make mail of an item, `outcomes` and `ledger` write down what came of it.
"""
