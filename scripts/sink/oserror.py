"""Words the errors of the operating system for people."""

import errno
import os


def reason(error: OSError) -> str:
    """`Connection refused`; for what has no number of its own, what the error says."""
    code = error.errno or 0
    return os.strerror(code) if code in errno.errorcode else str(error)
