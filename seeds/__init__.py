"""The first collection, as data: five briefs; its README says what they are."""
