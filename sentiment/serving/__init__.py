"""A loaded model behind an address: the HTTP interface, the queue in front of the model, and the page."""
