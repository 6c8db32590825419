"""The report with one question a page: what is asked, what waits between two pages, and the end of it."""
