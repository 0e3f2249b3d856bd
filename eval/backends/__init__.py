"""Where evaluated answers come from."""

from eval.backends.backend import Asked, Backend, Tell
from eval.backends.spec import BackendSpec, build_backend

__all__ = ["Asked", "Backend", "BackendSpec", "Tell", "build_backend"]
