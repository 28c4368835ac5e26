"""The words of Spanish that the rules refer to."""

from sourcebook.index.words import SPANISH_NEGATIONS
from sourcebook.service.language.lexicon import (
    Kind,
    Lexicon,
    Slack,
    Unit,
    counting,
    derived,
    phrases,
    valued,
    words,
)

_FUNCTION_WORDS = words(
    """
    a al algún ante antes así aún cada como con contra cuando cuál cuáles cuándo cuánta cuántas
    cuánto cuántos cómo de del desde después donde durante dónde e el ella ellas ellos en entre
    era eran es esa ese eso esta estaba este esto está fue fueron ha haber había hace hacia han
    hasta hay hubo la las le les lo los me mi mismo muy más ni no nos o para pero por porque que
    quién quiénes qué se ser será si sido sin sobre son su sus también te tiene tras u un una
    unas uno unos y ya
    """
)

# BM25 has no Spanish stop words: the index is stemmed as English (docs/languages.md). The sets keep
# the part of the function words that their rules met, as in `english.py`.
SPANISH = Lexicon(
    function_words=_FUNCTION_WORDS,
    no_name=derived(
        _FUNCTION_WORDS,
        only="a al como con cuando de el en la las lo los para pero por se su sus un una y",
        more="según",
    ),
    never_counted=derived(_FUNCTION_WORDS, only="de del el en es la las los o para por que y"),
    openers=derived(
        _FUNCTION_WORDS,
        only="al como con cuando de desde el en entre la las los para pero por sin tras un una y",
        more="aunque mientras según",
    ),
    referring=words(
        "ambas ambos esa ese eso esos esta estas este esto estos él ella ellas ellos su sus"
    ),
    negations=frozenset(SPANISH_NEGATIONS),
    subordinators=frozenset(),
    requests=words("compara dime explica"),
    pleasantries=words("gracias muchas hola vale bien sí perfecto"),
    correcting=phrases(
        "corrección|correcciones|corregido|fe de errata|fe de erratas|rectificación|aclaración|"
        "una versión anterior|en una versión anterior"
    ),
    attributing=phrases(
        "según|de acuerdo con|de acuerdo a|conforme a|en palabras de|publicado por"
    ),
    reporting=words(
        """
        dice dicen dijo afirma afirmó informa informó informan escribe escribió publica publicó
        sostiene señala señaló explica explicó opina reporta reportó cuenta contó
        """
    ),
    auxiliaries=frozenset(),
    published=words(
        "publicado publicada publicados publicadas publicó publicaron escrito escritos informó"
    ),
    publications=words(
        "artículo artículos autor autora reportaje nota notas columna informe informes noticia "
        "noticias texto editorial"
    ),
    speakers=words("autor autora periodista artículo columnista diario periódico revista"),
    who=words("quién quiénes"),
    when=words("cuándo"),
    where=words("dónde"),
    clause_openers=words("y de en desde hasta a con por"),
    places=words("ciudad país región"),
    since=phrases("desde|a partir de|a partir del"),
    after=phrases("después de|después del|tras|luego de"),
    until=words("hasta"),
    before=phrases("antes de|antes del|previo a"),
    between=words("entre"),
    changing={"en": "a", "a": "en"},
    conjoined=words("y"),
    within=phrases("en|durante|de|del|a principios de|a finales de|a mediados de"),
    dating=phrases("en|desde|hasta|antes de|después de"),
    numbers={
        **counting("dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce", 2),
        **counting("quince dieciséis diecisiete dieciocho diecinueve", 15),
        **counting("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa", 20, 10),
        "cien": 100.0,
    },
    scales={
        "mil": 1e3,
        **valued("millón|millones", 1e6),
        **valued("billón|billones", 1e12),
        **valued("docena|docenas", 12.0),
    },
    fractions={
        "la mitad": 50.0,
        "un tercio": 100 / 3,
        "dos tercios": 200 / 3,
        "un cuarto": 25.0,
        "tres cuartos": 75.0,
    },
    # "once" is English, too; the others were never checked.
    unchecked_numbers=words("once trece catorce quince dieciséis diecisiete dieciocho diecinueve"),
    amounts={
        **valued("cien|ciento", "hundred"),
        **valued("mil|miles", "thousand"),
        **valued("millón|millones", "million"),
        "docena": "12",
        "mitad": "half",
        "doble": "double",
    },
    units={
        "por ciento": Unit(Kind.SHARE, 1),
        **valued("dólares|euros|euro|pesos", Unit(Kind.MONEY, 1)),
        "hectáreas": Unit(Kind.AREA, 1),
        "toneladas": Unit(Kind.MASS, 1),
        **valued("kilos|kilo|kg", Unit(Kind.MASS, 1e-3)),
        **valued("kilómetros|km", Unit(Kind.LENGTH, 1)),
        "metros": Unit(Kind.LENGTH, 1e-3),
        "años": Unit(Kind.TIME, 1),
        "décadas": Unit(Kind.TIME, 10),
        "siglos": Unit(Kind.TIME, 100),
        "meses": Unit(Kind.TIME, 1 / 12),
        "semanas": Unit(Kind.TIME, 1 / 52),
        "días": Unit(Kind.TIME, 1 / 365),
        "horas": Unit(Kind.TIME, 1 / 8766),
        "veces": Unit(Kind.TIMES, 1),
    },
    hedges={
        **valued("más de|al menos", Slack(0.0, 0.2)),
        **valued("menos de|hasta", Slack(0.2, 0.0)),
        **valued("cerca de|unos|unas|alrededor de|casi", Slack(0.05, 0.05)),
    },
    people=frozenset(),
)
