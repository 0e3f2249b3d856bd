"""One exception for everything a user can mend."""


class RlfgError(Exception):
    """Bad input or configuration.

    The message names the file, line or field and the fix. The command line prints it without a
    traceback and exits with status 2.
    """
