"""Compiles functions of arrays to machine code, which is kept on disk where it can be."""

import logging
import pickle
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from typing import Any

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

_log = logging.getLogger(__name__)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compiles a function when it is called, with options of `numba.njit`.

    The code is kept as with its option `cache`, with two differences: where no folder can be written, the function is
    compiled in each process; and files that are cut, empty or otherwise damaged are made anew.
    """

    def compile_function(function: Callable[..., Any]) -> Any:
        compiled_function: Any = njit(**options)(function)
        if is_compiled(compiled_function):  # not where NUMBA_DISABLE_JIT is set
            try:
                compiled_function._cache = _Cache(function)
            except RuntimeError:  # no folder can be written
                _log.info("%s: no folder can be written that keeps it. Set NUMBA_CACHE_DIR to one.", function)
        return compiled_function

    return compile_function


def is_compiled(function: Any) -> bool:
    """Whether numba compiles a function."""
    return isinstance(function, Dispatcher)


class _CheckedCode(CompileResultCacheImpl):  # type: ignore[misc]  # numba is untyped
    """Compiled code with a checksum, since damaged machine code ends a process."""

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        """See numba; the files of an earlier version have no checksum."""
        return f"checked-{super().get_filename_base(fullname, abiflags)}"

    def reduce(self, cres: Any) -> tuple[bytes, bytes]:
        """See numba."""
        code = dumps(super().reduce(cres))
        return blake2b(code).digest(), code

    def rebuild(self, target_context: Any, payload: tuple[bytes, bytes]) -> Any:
        """See numba; raises ValueError if the code is damaged."""
        checksum, code = payload
        if checksum != blake2b(code).digest():
            raise ValueError("its checksum is wrong")
        return super().rebuild(target_context, pickle.loads(code))  # noqa: S301  # numba's own format


class _Cache(FunctionCache):  # type: ignore[misc]  # numba is untyped
    """Numba's cache, for which a file that cannot be used does not exist."""

    _impl_class = _CheckedCode

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """See numba."""
        try:
            return super().load_overload(sig, target_context)
        # what numba raises depends on where a file is damaged
        except Exception as error:  # noqa: BLE001
            fault = f"{type(error).__name__}: {' '.join(str(error).split())}"
            _log.warning("%s: its compiled code of %s is damaged (%s). It is made anew.", self.cache_path, self, fault)
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """See numba."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _log.info("%s: cannot keep the compiled code of %s (%s).", self.cache_path, self, error)
        # an index that is damaged while this process runs
        except Exception:  # noqa: BLE001
            with suppress(OSError):
                self.flush()
