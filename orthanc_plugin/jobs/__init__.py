"""What is to be done, was done, by whom and with what: the ledger, the engine that dispatches, the worker."""
