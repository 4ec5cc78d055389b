"""Languages as people name them and as web pages do (BCP 47)."""

import re

from django.core.exceptions import ValidationError

LANGUAGES = (
    ("ar", "Arabic", "العربية"),
    ("bn", "Bengali", "বাংলা"),
    ("bg", "Bulgarian", "български"),
    ("ca", "Catalan", "català"),
    ("zh-Hans", "Chinese, simplified", "简体中文"),
    ("zh-Hant", "Chinese, traditional", "繁體中文"),
    ("hr", "Croatian", "hrvatski"),
    ("cs", "Czech", "čeština"),
    ("da", "Danish", "dansk"),
    ("nl", "Dutch", "Nederlands"),
    ("en", "English", "English"),
    ("en-GB", "English, British", "British English"),
    ("en-US", "English, American", "American English"),
    ("et", "Estonian", "eesti"),
    ("fi", "Finnish", "suomi"),
    ("fr", "French", "français"),
    ("de", "German", "Deutsch"),
    ("el", "Greek", "Ελληνικά"),
    ("he", "Hebrew", "עברית"),
    ("hi", "Hindi", "हिन्दी"),
    ("hu", "Hungarian", "magyar"),
    ("id", "Indonesian", "Bahasa Indonesia"),
    ("ga", "Irish", "Gaeilge"),
    ("it", "Italian", "italiano"),
    ("ja", "Japanese", "日本語"),
    ("ko", "Korean", "한국어"),
    ("lv", "Latvian", "latviešu"),
    ("lt", "Lithuanian", "lietuvių"),
    ("nb", "Norwegian", "norsk bokmål"),
    ("fa", "Persian", "فارسی"),
    ("pl", "Polish", "polski"),
    ("pt", "Portuguese", "português"),
    ("pt-BR", "Portuguese, Brazilian", "português do Brasil"),
    ("ro", "Romanian", "română"),
    ("ru", "Russian", "русский"),
    ("sr", "Serbian", "српски"),
    ("sk", "Slovak", "slovenčina"),
    ("sl", "Slovenian", "slovenščina"),
    ("es", "Spanish", "español"),
    ("sw", "Swahili", "Kiswahili"),
    ("sv", "Swedish", "svenska"),
    ("th", "Thai", "ไทย"),
    ("tr", "Turkish", "Türkçe"),
    ("uk", "Ukrainian", "українська"),
    ("ur", "Urdu", "اردو"),
    ("vi", "Vietnamese", "Tiếng Việt"),
    ("cy", "Welsh", "Cymraeg"),
)

# RFC 5646 section 2.1, without the grandfathered ones and those that are all private use.
_TAG = re.compile(
    r"[a-z]{2,3}(-[a-z]{3}){0,3}"  # language, as ISO 639 has it
    r"(-[a-z]{4})?"  # script
    r"(-([a-z]{2}|[0-9]{3}))?"  # region
    r"(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(-[0-9a-wy-z](-[a-z0-9]{2,8})+)*"  # extensions
    r"(-x(-[a-z0-9]{1,8})+)?",
    re.ASCII | re.IGNORECASE,
)
_CODES = {word.casefold(): code for code, *names in LANGUAGES for word in (code, *names)}


def read_language(typed: str) -> str:
    """Return the tag that is meant, as BCP 47 spells it; raises ``ValidationError``."""
    text = " ".join(typed.split())
    if code := _CODES.get(text.casefold()):
        return code
    if not _TAG.fullmatch(text.replace("_", "-")):
        raise ValidationError("Enter a language, such as German, or a language code, such as de or pt-BR.")
    language, *rest = text.replace("_", "-").lower().split("-")
    return "-".join([language, *_cased(rest)])


def _cased(subtags: list[str]) -> list[str]:
    """Write scripts and regions in the usual case, up to the first extension."""
    end = next((place for place, one in enumerate(subtags) if len(one) == 1), len(subtags))
    usual = {2: str.upper, 4: str.title}
    return [usual.get(len(one), str)(one) for one in subtags[:end]] + subtags[end:]
