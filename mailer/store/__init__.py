"""What do we remember? The only SQL and the only peewee of the product.

One file per noun; each function says in one sentence what it does, takes and returns frozen values, and is called
inside `transaction()` by `service` (or by a `Writer`, which opens it).
"""
