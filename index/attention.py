"""What of an article needs a person's attention, as the article itself shows."""

from sourcebook.index.article import Article

# Cleaning takes out what it knows; extraction takes out all that is not the article. Where what it
# took out of the running text is this much of the page, part of the article is likely to be in it.
MUCH = 0.25


def left_out(article: Article) -> float:
    """The share of its page's running text that was not taken for the article, from 0 to 1."""
    removed = sum(len(r.text) for r in article.removals if r.rule == "extraction")
    return removed / (removed + len(article.text))


def shortened(article: Article) -> bool:
    """Whether so much of its page's running text was left out that the article may be cut."""
    return left_out(article) >= MUCH
