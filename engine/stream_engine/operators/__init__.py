"""What operators do with records. They know no host: neither processes nor channels nor files."""
