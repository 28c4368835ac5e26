"""Reports: as JSON, as tables and as a page."""
