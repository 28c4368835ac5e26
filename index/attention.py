"""What of an article needs a person's attention, as the article itself shows."""

import re

from sourcebook.index.article import Article, BlockKind

# With this value the two pages of the benchmark of docs/parsing.md that lost a fifth of their
# article are marked, and one page in six in all.
MUCH = 0.25
SENTENCE_END = re.compile(r"[.!?][\"'”’»)\]]*$")
MIN_WORDS = 8  # of a last paragraph that may break off; a shorter one may be a line of its own


def left_out(article: Article) -> float:
    """The share of its page's running text that was not taken for the article, from 0 to 1.

    What certainly is no article (menus, footers, readers' comments) does not count; of a file
    without markup nothing is left out so.
    """
    removed = sum(len(r.text) for r in article.removals if r.rule == "extraction")
    return removed / (removed + len(article.text))


def breaks_off(article: Article) -> bool:
    """Whether the article ends within a sentence, after a paragraph that ends with one.

    Pages that show only the beginning to who has not paid end so.
    """
    blocks = (b for b in article.blocks if b.kind is BlockKind.PARAGRAPH)
    texts = [article.text[block.start : block.end] for block in blocks]
    if len(texts) < 2 or len(texts[-1].split()) < MIN_WORDS or not texts[-1][0].isupper():
        return False
    word = texts[-1].split()[-1].rstrip(",")
    within = (word.isalpha() and word.islower()) or texts[-1].endswith(("…", "..."))
    return within and SENTENCE_END.search(texts[-2]) is not None


def shortened(article: Article) -> bool:
    """Whether the article may be cut: much of its page was left out, or it breaks off."""
    return left_out(article) >= MUCH or breaks_off(article)


def is_cut_off(article: Article) -> bool:
    """Whether the page says of itself that the rest of the article is for subscribers."""
    return "incomplete" in article.metadata.extra
