"""What is true: YAML that people edit, its schemas, and the package `spec` that reads them."""
