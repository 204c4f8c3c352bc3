"""From the name of a source to tables: bundled files, files, folders and the hub."""
