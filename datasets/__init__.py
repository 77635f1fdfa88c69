"""What the figures are: vocabulary, cubes, the ledger of versions and the database."""
