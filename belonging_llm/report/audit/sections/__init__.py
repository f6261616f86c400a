"""What each section of the page shows, as tables, drawings and sentences; no HTML is written here."""
