"""Reports: as JSON, as tables and as an HTML page."""
