"""Vector environments in the form that other libraries want, one file for each, imported by nothing else here."""
