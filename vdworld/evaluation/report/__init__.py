"""Rendering of evaluation results: tables for the terminal, an HTML page, plots and GIFs."""
