"""Takes out of a text what nobody else should read. Layer 2: pure.

Removed are passwords in addresses, tokens of known forms, values of what is called a token, key, secret or password,
e-mail addresses, and names of users and hosts. The rest of the line stays, so that it still says what went wrong.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([a-zA-Z][\w+.-]{1,20}://)[^/\s@]{1,400}@", rf"\1{HIDDEN}@"),
        (
            (
                r"(?i)([?&](?:[\w-]{0,40}(?:token|key|sig|signature|secret|password|credential)[\w-]{0,20})=)"
                r"[^&\s'\"]{1,2000}"
            ),
            rf"\1{HIDDEN}",
        ),
        (
            (
                r"\b(?:gh[pousr]_|github_pat_|gl(?:pat|rt|ptt)-|hf_|pypi-|sk-|xox[abeprs]-|AKIA|ASIA|AIza|ya29\.|npm_|dapi"
                r"|dckr_pat_|shp(?:at|ss|ca)_|SG\.|lin_api_|r8_|gsk_|nvapi-|ATATT|[rsp]k_live_|whsec_|figd_|ntn_|tskey-)"
                r"[\w.-]{12,400}"
            ),
            HIDDEN,
        ),
        (r"\beyJ[\w-]{8,2000}\.[\w-]{4,2000}(?:\.[\w-]{0,2000})?", HIDDEN),
        (
            r"(?i)\b((?:authorization|proxy-authorization)['\"]?\s{0,3}[:=]\s{0,3}['\"]?)[^'\"\r\n]{1,400}",
            rf"\1{HIDDEN}",
        ),
        (r"(?i)\b(bearer\s)[\w.~+/=-]{8,2000}", rf"\1{HIDDEN}"),
        (
            (
                r"(?i)([\w-]{0,40}(?:token|(?:api|access|account|client|shared)[_-]?key|secret|passwd|password)['\"]?"
                r"\s{0,3}[:=]\s{0,3}['\"]?)"
                r"(?!\*\*\*)[^\s'\",;&]{1,2000}"
            ),
            rf"\1{HIDDEN}",
        ),
        (r"(?i)\b((?:password|token|secret) (?:is|was) ['\"])[^'\"]{1,400}", rf"\1{HIDDEN}"),
        (r"(?i)(--?(?:password|passwd|token|secret|api-?key)[ =]['\"]?)(?!\*\*\*)[^\s'\"]{1,400}", rf"\1{HIDDEN}"),
        (r"(?i)([\"']key[\"']\s{0,3}:\s{0,3}[\"'])[^\"']{8,400}", rf"\1{HIDDEN}"),
        (r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----).{0,4096}", rf"\1{HIDDEN}"),
        (r"^[A-Za-z0-9+/]{60,76}={0,2}$", HIDDEN),
        (r"(?<![@/\w])[0-9a-f]{40}(?![\w/])", HIDDEN),
        (r"(?<![\d.])(?!127\.|0\.0\.)\d{1,3}(?:\.\d{1,3}){3}(?=:\d{2,5}\b)", "<host>"),
        (r"\b(?:DESKTOP|LAPTOP)-[A-Z0-9]{4,12}\b", "<host>"),
        (r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b", HIDDEN),
        (r"((?:/home\d{0,2}|/homes|/Users)/(?:users?/)?)(?!<user>)[^/\s:'\",)\]]{1,64}", r"\1<user>"),
        (r"((?<![\w./-])/(?:u|users|scratch)/(?:users?/)?)[^/\s:'\",)\]]{1,64}", r"\1<user>"),
        (r"(?i)([A-Z]:(?:\\\\|\\|/)(?:Users|Documents and Settings)(?:\\\\|\\|/))[^\\/:'\"\r\n]{1,64}", r"\1<user>"),
        (r"(~)[A-Za-z][\w.-]{0,31}(?=/)", r"\1<user>"),
        (r"(?i)(\bhostname: |\bfor host: |on this host \()[\w.-]{1,255}", r"\1<host>"),
        (r"^((?:\([\w.-]{1,40}\)\s?)?)[\w.-]{1,32}@[\w.-]{1,64}(?=[:\s~$#%])", r"\1<user>@<host>"),
    )
)


def redact(text: str) -> str:
    """Return a text without its secrets."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
