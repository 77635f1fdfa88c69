"""Nobody can be found in a small number: rules, suppression, and the attacker that tests it."""
