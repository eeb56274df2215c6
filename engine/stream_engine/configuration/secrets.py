"""Which keys of the configuration have values that are nobody's business."""

from __future__ import annotations

import re

# As Flink decides it, and what clients of stores call theirs.
_SECRET = re.compile(
    r"password|passwd|passphrase|secret|token|credential|api-?_?key|account[._-]?key|access[._-]?key|auth-params"
    r"|service-key|basic-auth|jaas\.config|http-headers|sasl\.|connection_string|(^|[._-])(key|sas|pass)$",
    re.IGNORECASE,
)
HIDDEN = "******"
"""What is shown in place of such a value."""


def is_secret(key: str) -> bool:
    """Whether the value of ``key`` must not be shown."""
    return _SECRET.search(key) is not None
