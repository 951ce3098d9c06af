"""The process that does one job; torch and its friends are imported only here."""
