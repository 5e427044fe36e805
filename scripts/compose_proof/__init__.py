"""`make test-compose`: the stack of docker-compose.yml, started and broken for real, beside all others."""
