"""Numbers with a checksum: payment cards and bank accounts."""

# Length of the IBAN by country (SWIFT IBAN registry): what follows it in a sentence is no part of it.
_IBAN_LENGTH = {
    country: int(length)
    for length, countries in {
        "15": "NO",
        "16": "BE",
        "18": "DK FI FO GL NL SD",
        "19": "MK SI",
        "20": "AT BA EE KZ LT LU XK",
        "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM SO",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG",
        "25": "LY PT ST",
        "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB NI PL SV",
        "29": "BR EG PS QA UA",
        "30": "JO KW MU",
        "31": "MT SC",
        "32": "LC",
    }.items()
    for country in countries.split()
}


def is_iban(text: str) -> bool:
    """Whether a text begins with an IBAN: length of its country, remainder 1 modulo 97 (ISO 13616)."""
    compact = text.replace(" ", "")
    number = compact[: _IBAN_LENGTH.get(compact[:2], 0)]
    if not number or len(number) < _IBAN_LENGTH[compact[:2]]:
        return False
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether digits have the prefix and length of a card network and a right check digit (Luhn)."""
    digits = [int(char) for char in text if char.isdigit()]
    if not _has_network("".join(map(str, digits))):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _has_network(number: str) -> bool:
    lengths = {
        "4": (13, 16, 19),
        "34": (15,),
        "37": (15,),
        "35": (16,),
        "36": (14,),
        "38": (14,),
        "6": (16, 19),
    }
    lengths |= {str(prefix): (16,) for prefix in (*range(51, 56), *range(22, 28))}
    return any(number.startswith(prefix) and len(number) in sizes for prefix, sizes in lengths.items())
