"""What an evaluation found, rendered: tables for the terminal, a page, plots and GIFs."""
