"""The words of English that the rules refer to."""

from sourcebook.index.words import ENGLISH_MONTHS, ENGLISH_NEGATIONS, STOP_WORDS
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

_MONTHS = words(" ".join(ENGLISH_MONTHS).lower())
_WEEKDAYS = words("monday tuesday wednesday thursday friday saturday sunday")
_FUNCTION_WORDS = derived(
    STOP_WORDS,
    more="""
    after against ago among around before between during else ever him himself just many more most
    much now one ones only other others over same since them those through towards under until us
    very within without yes
    """,
)

# The lists were collected on the dev questions of the decisions that the comments name. A word may
# be missing only because no question needed it; adding one may change answers, so measure.
ENGLISH = Lexicon(
    function_words=_FUNCTION_WORDS,
    # docs/decisions/0011-short-answers.md.
    no_name=_MONTHS
    | _WEEKDAYS
    | derived(
        _FUNCTION_WORDS,
        less="""
        about according against ago also am be been being between can could else ever him himself
        into me might ones same should them towards us very whom whose within would
        """,
        more="""
        again all although another because both despite due each even every few finally first
        following former here however i'm indeed instead it's last later let like maybe meanwhile
        near new nor nothing once perhaps recent regardless several similarly still though thus
        today two they're unlike whether while world yet you're
        everybody everyone everything nobody somebody someone illegal men women
        """,
    ),
    # docs/decisions/0010-disagreement.md. Most stop words are left out because they may stand
    # between a number and what it counts: "12 such cases".
    never_counted=derived(
        STOP_WORDS,
        only="""
        a an and are as at by does from had has have her his in is its of on or than that the
        their this to was were which
        """,
        more="less others per times years yes",
    ),
    # A word that is missing here counts as a name if a writer's sentence opens with it and neither
    # the evidence nor the question has it.
    openers=derived(
        _FUNCTION_WORDS,
        less="""
        against ago around between else ever him himself just many much now ones other others over
        same them those towards us very yes
        """,
        more="although both each however meanwhile still while yet",
    ),
    referring=words("both he her his it its she such that their these they this those"),
    negations=frozenset(ENGLISH_NEGATIONS),
    subordinators=words("as because if than that when whether while who"),
    requests=words(
        "compare define describe explain find give list name show summarise summarize tell"
    ),
    pleasantries=phrases(
        "thank|thanks|thank you|ok|okay|great|good|hi|hello|hey|yes|no|very|so|much"
    ),
    correcting=phrases(
        "correction|corrections|corrected|clarification|erratum|errata|corrigendum|"
        "this article was corrected|this article has been corrected|this article was amended|"
        "this article has been amended|an earlier version|a previous version"
    ),
    attributing=phrases(
        "according to|as reported by|as reported in|reported by|as written in|written by|"
        "published by|quoted by|in the words of|in the view of|in the opinion of"
    ),
    reporting=words(
        """
        say says said report reports reported write writes wrote print prints printed publish
        publishes published argue argues argued claim claims claimed describe describes described
        explain explains explained note notes noted mention mentions mentioned state states stated
        suggest suggests suggested think thinks warn warns warned see sees conclude concludes
        """
    )
    | phrases("point out|points out|pointed out"),
    auxiliaries=words("do does did has have had would is was"),
    published=words("published reported printed written appeared"),
    publications=words(
        """
        article articles author authors piece pieces story stories report reports coverage column
        columnist editorial op-ed essay interview analysis writer reporter post blog account view
        opinion
        """
    ),
    speakers=words("author writer journalist reporter columnist article piece report story"),
    who=words("who whom whose"),
    when=words("when"),
    where=words("where"),
    clause_openers=words("and in on at by to for from since until after before of during"),
    places=words("city country state region department province town place continent"),
    since=phrases("since|from|as of|starting in|starting from"),
    after=phrases("after|later than"),
    until=phrases("until|till|up to|through|by|no later than"),
    before=phrases("before|prior to|earlier than|ahead of"),
    between=words("between"),
    changing={"by": "to", "to": "by"},
    conjoined=words("and"),
    within=phrases("in|on|during|of|for|in early|in late|in mid|throughout"),
    dating=words("in since until before after from by during"),
    numbers={
        **counting(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        ),
        **counting("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10),
    },
    scales={
        "hundred": 1e2,
        "thousand": 1e3,
        "million": 1e6,
        **valued("billion|bn", 1e9),
        "trillion": 1e12,
        "dozen": 12.0,
    },
    fractions={
        "half": 50.0,
        **valued("a third|one third|one-third", 100 / 3),
        **valued("two thirds|two-thirds", 200 / 3),
        **valued("a quarter|one quarter|one-quarter", 25.0),
        **valued("three quarters|three-quarters", 75.0),
    },
    unchecked_numbers=words("zero one"),  # "one" is a pronoun too often, "zero" an adjective
    amounts={
        **valued("hundred|hundreds", "hundred"),
        **valued("thousand|thousands", "thousand"),
        **valued("million|millions", "million"),
        **valued("billion|billions", "billion"),
        **valued("trillion|trillions", "trillion"),
        **valued("half|halved", "half"),
        **valued("dozen|dozens", "12"),
        **valued("twice|double|doubled|doubling", "double"),
        **valued("triple|tripled|threefold|tripling", "triple"),
    },
    units={
        **valued("%|percent|per cent", Unit(Kind.SHARE, 1)),
        **valued("dollars|dollar|euros|euro", Unit(Kind.MONEY, 1)),
        **valued("hectares|hectare|ha", Unit(Kind.AREA, 1)),
        **valued("acres|acre", Unit(Kind.AREA, 0.4047)),
        **valued("tons|tonnes|ton|tonne|metric tons", Unit(Kind.MASS, 1)),
        **valued("kilograms|kilogram|kilos|kilo|kg", Unit(Kind.MASS, 1e-3)),
        **valued("kilometres|kilometers|kilometre|kilometer|km", Unit(Kind.LENGTH, 1)),
        **valued("miles|mile", Unit(Kind.LENGTH, 1.609)),
        **valued("metres|meters", Unit(Kind.LENGTH, 1e-3)),
        **valued("feet|foot|ft", Unit(Kind.LENGTH, 3.048e-4)),
        **valued("years|year", Unit(Kind.TIME, 1)),
        **valued("decades|decade", Unit(Kind.TIME, 10)),
        **valued("centuries|century", Unit(Kind.TIME, 100)),
        **valued("months|month", Unit(Kind.TIME, 1 / 12)),
        **valued("weeks|week", Unit(Kind.TIME, 1 / 52)),
        **valued("days|day", Unit(Kind.TIME, 1 / 365)),
        **valued("hours|hour", Unit(Kind.TIME, 1 / 8766)),
        **valued("minutes|minute", Unit(Kind.TIME, 1 / 525_960)),
        "times": Unit(Kind.TIMES, 1),
    },
    # How far a hedged number may be off: docs/decisions/0010-disagreement.md.
    hedges={
        **valued("more than|over|above|at least|exceeding|upwards of", Slack(0.0, 0.2)),
        **valued("less than|fewer than|under|below|up to|at most|as high as", Slack(0.2, 0.0)),
        **valued("just over|just under|about|around|approximately", Slack(0.05, 0.05)),
        **valued("roughly|nearly|almost|some|close to|an estimated", Slack(0.05, 0.05)),
    },
    people=words("people men women children police troops"),
)
