"""A day on which nothing is wrong, as fast as the machine can play it: nobody may be told of anything."""
