"""Client configuration files, read into server specifications."""
