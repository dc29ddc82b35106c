"""Outcomes shown: as text, as one JSON document. Reads outcomes only, so a GPU run is reported on any laptop."""
