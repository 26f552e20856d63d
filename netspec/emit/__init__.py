"""Facts to text: tables, JSON, diagnostics, documentation."""
