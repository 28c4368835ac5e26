"""Words, quantities, quotations and answer types, in English and Spanish."""
