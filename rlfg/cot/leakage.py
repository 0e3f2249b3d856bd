"""Rationales that speak of what the student is never shown.

A teacher is told the label and the attributes of a class. Where it says so ("this matches the provided description"), a
student learns to cite papers that it does not have: about 30 % of the rationales that Fine-R1 released do.

The rules go by wording. What a rationale itself has said before ("the features described above", "the aforementioned
traits"), what anyone may look up ("field guides describe it as"), and writing in the picture ("the label on the
bottle") are no leaks.
"""

from __future__ import annotations

import re

_PAPER = r"(?:descriptions?|descriptors?|annotations?|captions?|metadata|hints?|ground[- ]truth|concepts?|prompt)"
"""What exists beside a picture only if somebody wrote it."""
_IMAGE = r"(?:images?|pictures?|photos?|photographs?)"
_SHOWN = rf"(?:{_IMAGE}|questions?|candidates?|options?|views?|frames?|crops?)"
"""What a student is shown: to speak of the provided image is no leak."""
_TRAITS = r"(?:details?|attributes?|characteristics|traits?|features?|properties|cues?|clues?|markings?)"
"""What may be seen, and may have been told."""
_CLASS = r"(?:class(?:es|ification)?|(?:sub-?)?categor(?:y|ies))"
_FACTS = (
    rf"(?:{_PAPER}|{_TRAITS}|{_CLASS}|information|info|data|labels?|texts?|contexts?|answers?|notes?|definitions?|"
    r"references?|species|names?|profiles?|specifications?|knowledge|facts?|input|key\s?words?|phrases?|terms|criteria|"
    r"list(?!\s+of\s+(?:candidates|options)))"
)
_THE = r"(?:the|all|these|those|this|your|my|both)"
_WAS = r"(?:is|are|was|were|has\s+been|have\s+been|had\s+been)"
_GAVE = r"(?:provided|given|supplied)"
_WRITTEN = (
    r"(?:outlined|listed|described|mentioned|specified|given|provided|supplied|stated|noted|indicated|highlighted)"
)
_SAYS = r"(?:says?|said|states?|stated|mentions?|mentioned|specif(?:y|ies|ied)|tells?|told|lists?|names?|speaks?\s+of)"
_SHOWS = (
    r"(?:notes?|noted|indicates?|indicated|provides?|gives?|gave|describes?|described|listed|named|highlights?|"
    r"identif(?:y|ies)|reveals?|confirms?|includes?|suggests?|emphasi[sz]es?)"
)
_ALSO = r"(?:(?:also|already|clearly|explicitly|specifically|itself|does\s+not|doesn['’]t|did\s+not|do\s+not)\s+)*"
_FILL = rf"(?:(?!{_SHOWN}\b)[\w'’-]+\s+)"
_HERE = r"(?:(?:the|this|your)\s+(?:prompt|description|text|input|user|task)|me\b|us\b)"
_NOT_HERE = rf"(?!\s+(?:in|by|from|within|off|away|to)\s+(?!{_HERE}))"
"""The details given by the close view are seen; those given in the prompt, or to me, are not."""
_PLAIN = r"(?:usual|typical|classic|general|common|textbook|best|only|closest|short|brief|simplest)"
_BOOKS = r"[^.]{0,60}\b(?:guides?|books?|literature|handbooks?)\b"
_ON = r"(?:on|in|of|at|under|near|beside|painted|printed|written)\b"
"""Writing that is seen somewhere is seen."""
_QUOTE = r"\s*[\"‘“]|\s+'"

_GIVEN = (
    # the provided description; the given visual attributes; from supplied hints; the provided image and description
    rf"{_THE}\s+(?:{_GAVE}|accompanying|attached|specified|[\w-]+-provided)\s+{_FILL}{{0,3}}?{_FACTS}\b"
    r"(?!\s+(?:on|painted|printed|written)\b)",
    rf"(?:with|from|by|to|per|in|on|and|of|using|via)\s+{_GAVE}\s+{_FILL}{{0,2}}?{_FACTS}\b(?!\s+of\b)",
    rf"(?:{_GAVE}|attached)\s+{_SHOWN}\s+(?:and|with|plus)\s+(?:(?:the|its|their)\s+)?(?:\w+\s+)?{_FACTS}\b",
    # the described features; the aforementioned label; the reference features
    rf"{_THE}\s+(?:described|listed|stated|outlined|enumerated|reported)\s+{_FILL}{{0,2}}?(?:{_TRAITS}|{_PAPER}|"
    r"colou?r(?:ation|s|ing)?|patterns?|plumage|appearance|morphology|shapes?)\b",
    rf"{_THE}\s+(?:aforementioned|mentioned|above(?:-mentioned)?)\s+(?:\w+\s+)?(?:{_PAPER}|labels?|texts?)\b",
    rf"the\s+reference\s+(?:\w+\s+)?(?:{_FACTS}|{_SHOWN}|materials?)\b",
    # the information provided; the details that were given; the profile of the species supplied here
    rf"(?:the|all|these|those|this|any)\s+(?:\w+\s+){{0,2}}?{_FACTS}\s+(?:of\s+the\s+[\w-]+\s+)?(?:(?:that|which)\s+)?"
    rf"(?:(?:{_WAS}|you(?:\s+have)?)\s+)?{_GAVE}\b{_NOT_HERE}",
    # the features described in the text; the attributes listed for this class; listed for this picture
    rf"{_WRITTEN}\s+(?:in|by|for|within|from)\s+(?:the|this|that|your)\s+(?:[\w-]+\s+){{0,2}}?(?:{_PAPER}|texts?|class|"
    r"(?:sub-?)?category|labels?|information|input|query|passage|references?|list|task|instructions?|contexts?|"
    r"guidelines?|user|data(?:set)?)\b(?!\s+(?:on|across|along)\b)",
    rf"(?:listed|{_GAVE}|assigned|specified|noted|recorded)\s+(?:for|to)\s+(?:this|the)\s+{_IMAGE}\b",
    rf"(?:{_GAVE}|handed|shown|told|described|shared)\s+(?:to|with)\s+(?:me|us)\b",
    # the text accompanying the image; the tags attached to it; it comes with the label; with the label in hand
    rf"(?:c[ao]mes?\s+with|accompan(?:y|ies|ied|ying)|(?:attached|supplied)\s+(?:to|with))\s+(?:the|this)\s+{_IMAGE}\b",
    rf"{_IMAGE}\s+c[ao]mes?\s+with\s+(?:the|a)\s+(?:\w+\s+)?{_FACTS}\b",
    r"with\s+the\s+(?:label|answer|class|name)\s+(?:in\s+(?:hand|mind)|at\s+hand|known|given)\b",
)
_DESCRIPTIONS = (
    # the description; its description. No leaks: a description; the best one; a field guide's; a word in quotes
    rf"(?:the|its|their|each|both|these|those|[\w-]+['’]s?)\s+(?:(?!{_PLAIN}\b)[\w-]+\s+){{0,2}}?"
    rf"descri(?:ptions?|ptors?)\b(?!{_QUOTE}|{_BOOKS})",
    r"(?:as\s+per|per|match(?:es|ing)?|fits?|from|based\s+on|according\s+to|consistent\s+with|aligns?\s+with)\s+"
    r"(?:(?:textual|visual|class|image|verbal|written)\s+)*descriptions?\b",
    # as described, …; what is described
    r"as\s+(?:described|stated|specified|indicated|listed|provided|given)\b(?=\s*(?:[,.;:)]|$|for\b))",
    rf"(?:what|than|how)\s+(?:it\s+)?{_WAS}\s+(?:described|provided|supplied|stated|outlined)\b",
    rf"{_IMAGE}\s+{_WAS}\s+(?:\w+ly\s+)?(?:labell?ed|annotated|tagged|captioned|described)\s+(?:as|to|with)\b",
)
_SOURCES = (
    # the prompt says; this caption notes; the attributes list
    rf"(?:the|this|a)\s+(?:[\w-]+\s+)?(?:{_PAPER}|references?|user|input|query|task|instructions?|label|notes?)\s+{_ALSO}"
    rf"(?:{_SAYS}|{_SHOWS})\b(?!\s*:?\s*['\"‘“])",
    rf"the\s+(?:[\w-]+\s+)?(?:attributes?|information)\s+{_ALSO}{_SAYS}\b|my\s+instructions?\s+{_ALSO}{_SAYS}\b",
    r"question\s+(?:already\s+)?(?:tells|told|reveals|gives|gave|names|identifies|specif(?:ies|ied)|states|stated)\b",
    r"(?:in|from|by|with|of|to)\s+(?:the|this|your)\s+prompt\b(?=\s*(?:[,.;:)]|$|(?:is|are|was|were|that|which|and)\b))",
    # what exists only beside a picture
    r"ground[- ]truth\b|metadata\b|data\s?sets?\b|file\s?names?\b|the\s+teacher\b|answer\s+key\b",
    r"the\s+(?:[\w-]+\s+)?(?:annotations?|concepts)\b(?!-)",
    # as the text says; the text describes; it says in the text; per the notes; the attributes above mention
    rf"as\s+the\s+(?:[\w-]+\s+)?(?:{_PAPER}|texts?|notes?|information|data)\s+{_ALSO}(?:{_SAYS}|{_SHOWS})\b(?!{_QUOTE})",
    rf"the\s+(?:texts?|records?|data)\s+(?:describes?|described|mentions?|mentioned|states?|stated)\b(?!{_QUOTE})",
    r"the\s+data\s+says?\b",
    rf"it\s+{_SAYS}\s+in\s+the\s+(?:{_PAPER}|text|notes?|information|data)\b(?!\s+{_ON})",
    rf"(?:according\s+to|per)\s+the\s+(?:[\w-]+\s+)?(?:{_PAPER}|texts?|notes?|information|data|records?|profile)\b"
    rf"(?!\s+{_ON})",
    rf"the\s+(?:[\w-]+\s+)?{_TRAITS}\s+(?:listed\s+|given\s+)?(?:above|below)\s+(?:{_SAYS})\b",
    r"the\s+(?:[\w-]+\s+)?hints?\b(?!\s+(?:of|in|at|from)\b)|the\s+(?:image|picture|photo)\s+caption\b",
    r"(?:attribute|concept|feature|trait)s?\s+list\b|list\s+of\s+(?:attributes|concepts|features|traits|characteristics)\b",
    r"(?:descriptive|supplementary|prior)\s+(?:texts?|information|info|notes?|input|materials?)\b",
    r"the\s+additional\s+(?:information|context|notes?)\s+about\b|(?:specification|data|fact)\s?sheet\b",
)
_LABELS = (
    # the label, reasoned from; no leak: a label on the bottle, a label that reads "Quattro"
    r"(?:given|since|because|as|considering|know(?:s|n|ing)?|reveal(?:s|ing)?|confirm(?:s|ed|ing)?|match(?:es|ing)?|"
    r"consistent\s+with|agrees?\s+with|according\s+to|fits?|supports?|supported\s+by|based\s+on|in\s+line\s+with|"
    r"aligns?\s+with|corresponds?\s+to|justif(?:y|ies)|per)\s+(?:that\s+)?(?:the|this)\s+(?:\w+\s+)?labels?\b"
    rf"(?!{_QUOTE}|\s+(?:on|of|at|in|under|reads?|near)\b)",
    r"(?:is|of|with|to|by|from)\s+the\s+label\b(?=\s*(?:[,.;:)]|$))",
    r"(?:class|category|sub-?category)\s+(?:name|label)s?\b",
    rf"(?:name|label|answer|species|class)\s+in\s+{_HERE}\b",
    r"(?:correct|true|truth|actual|known|target|expected|assigned)\s+(?:class\s+)?label\b",
    rf"(?:true|target|expected|assigned)\s+(?:answer|{_CLASS})\b|target\s+species\b",
    rf"known\s+(?:answer|identity)\b|(?<!-)\bknown\s+{_CLASS}\b",
    rf"(?:correct|right|actual)\s+(?:answer|{_CLASS}|species|identity)\s+{_WAS}\s+(?:already\s+)?(?:{_GAVE}|known|stated|"
    r"specified|told|indicated)\b",
    r"(?:since|as|because|given(?:\s+that)?|know(?:ing)?(?:\s+that)?)\s+the\s+(?:answer|class|category|species|name)\s+"
    rf"{_WAS}\s+(?:{_GAVE}|known|specified|stated)\b",
    # the answer has already been given; the species was named beforehand; the truth is stated to be
    rf"(?:answer|{_CLASS}|label|name|species|identity|truth)\s+(?:in\s+question\s+)?"
    rf"(?:{_WAS}\s+already|(?:has|had)\s+(?:already\s+)?been|{_WAS}(?=\s+\w+\s+(?:beforehand|to\s+be)\b))\s+"
    rf"(?:{_GAVE}|known|named|told|revealed|stated)\b",
    rf"model\s+answer\b|labell?ed\s+(?:species|breed|{_CLASS})\b",
)
_TOLD = (
    rf"(?:I|we)(?:\s+(?:was|were|am|are|have\s+been)|['’]ve\s+been)\s+(?:\w+ly\s+)?(?:told|{_GAVE}|informed)\b",
    r"(?:I|we)\s+(?:(?:have|had)\s+)?received\b",
    r"(?:I|we)\s+(?:already\s+)?(?:know|have)\s+(?:that\s+)?the\s+(?:\w+\s+)?(?:label|answer|class)\b",
    r"(?:label|answer|class)\s+(?:that\s+)?we\s+(?:have|know)\b|know\s+from\s+the\s+(?:\w+\s+)?label\b",
    r"(?:since|as|because)\s+(?:I|we)\s+(?:already\s+)?know\s+(?:that|the|it)\b",
    rf"the\s+user\s+(?:has\s+)?(?:{_GAVE}|gave|{_SAYS})\b",
    # I was asked to explain; my task is to justify; as if I did not know
    r"(?:I|we)\s+(?:am|are|was|were|have\s+been)\s+(?:asked|instructed|supposed|expected|required)\s+to\s+"
    r"(?:explain|justify|conclude|show|support|argue|pretend|write|say|reach)\b",
    r"(?:my|our|the)\s+task\s+is\s+to\s+(?:explain|justify|support|pretend)\b",
    r"as\s+if\s+I\s+(?:did\s+not|didn['’]t)\s+know\b",
    rf"it\s+{_WAS}\s+(?:already\s+)?(?:given|stated|specified|mentioned|told)\s+(?:beforehand|in\s+advance)\b",
    r"you(?:\s+have|['’]ve)?\s+(?:provided|told|gave|given|mentioned|supplied|described|said|stated)\b",
    rf"it\s+{_WAS}\s+(?:already\s+)?(?:given|stated|specified|mentioned|told)\s+that\b",
    r"(?:not|never|without)\s+(?:to\s+)?(?:reveal|mention|refer|hint|disclos|say)\w*\b[^.\n]{0,30}"
    r"\b(?:told|the\s+label|I\s+know|was\s+given)\b",
)
_LEAKS = re.compile(rf"\b(?:{'|'.join((*_GIVEN, *_DESCRIPTIONS, *_SOURCES, *_LABELS, *_TOLD))})", re.IGNORECASE)


def leaks(text: str) -> list[tuple[int, int]]:
    """Where each of the words that refer to something told begin and end."""
    return [found.span() for found in _LEAKS.finditer(text)]


def find_leak(rationale: str) -> str | None:
    """The first words that refer to something told, with a few around them; None where there are none."""
    found = _LEAKS.search(rationale)
    if found is None:
        return None
    start, end = max(0, found.start() - 30), min(len(rationale), found.end() + 30)
    return " ".join(rationale[start:end].split())
