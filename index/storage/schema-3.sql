CREATE TABLE judgements (                  -- what readers said of answers: no article hangs on it
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    question TEXT NOT NULL,
    verdict TEXT NOT NULL,
    quotes TEXT NOT NULL,                  -- with their words: they outlive article and passages
    note TEXT NOT NULL,
    generation INTEGER NOT NULL,           -- that was judged
    judged TEXT NOT NULL
) STRICT;
-- What is covered is counted without a look at the long rows.
CREATE INDEX articles_coverage ON articles(published, publisher, copy_of);
