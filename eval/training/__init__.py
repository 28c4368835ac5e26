"""How the shipped models were trained and are built: data, networks, weights."""
