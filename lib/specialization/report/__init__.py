"""What chapters show: results by vintage, tables, figures."""
