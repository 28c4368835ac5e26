-- The headers, lead-ins and headings that parts of a passage are not understood without. A passage
-- of an earlier release has none until it is cut again.
ALTER TABLE passages ADD COLUMN leads TEXT NOT NULL DEFAULT '[]';
-- What was written is compared with these whenever it is read (see row_checksums.py).
CREATE TABLE article_checksums (
    article INTEGER PRIMARY KEY REFERENCES articles(rowid) ON DELETE CASCADE,
    record INTEGER NOT NULL,               -- of what is listed and cited: title, dates, authors
    body INTEGER NOT NULL,                 -- of blocks, removals and original bytes
    link INTEGER NOT NULL                  -- of copy_of, which changes
) STRICT;
CREATE TABLE passage_checksums (
    passage INTEGER PRIMARY KEY REFERENCES passages(rowid) ON DELETE CASCADE,
    words INTEGER NOT NULL,                -- of the row in passages
    vectors INTEGER NOT NULL               -- of the row in vectors
) STRICT;
ALTER TABLE meta ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE piece_counts ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE judgements ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
CREATE TABLE trash (                       -- removed articles, as they were in `articles`
    id TEXT PRIMARY KEY,
    removed TEXT NOT NULL,                 -- when, in UTC
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    title TEXT NOT NULL,
    authors TEXT NOT NULL,
    publisher TEXT NOT NULL,
    published TEXT,
    modified TEXT,
    retrieved TEXT,
    url TEXT,
    language TEXT NOT NULL,
    tags TEXT NOT NULL,
    date_sources TEXT NOT NULL,
    extra TEXT NOT NULL,
    characters INTEGER NOT NULL,           -- of the text
    record INTEGER NOT NULL,               -- checksum of what stands above, which is listed
    body INTEGER NOT NULL,                 -- checksum of the content's hash and what stands below
    blocks TEXT NOT NULL,
    removals TEXT NOT NULL,
    text TEXT NOT NULL,
    raw BLOB NOT NULL
) STRICT;
CREATE TABLE corrections (                 -- of metadata, by people
    id TEXT PRIMARY KEY,                   -- of the article: they outlive its row, and stay in the trash
    corrected TEXT NOT NULL,               -- values by field
    parsed TEXT NOT NULL,                  -- what the page says of these fields
    checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE attention (                   -- why somebody should look at an article (see attention.py)
    article INTEGER PRIMARY KEY REFERENCES articles(rowid) ON DELETE CASCADE,
    reasons TEXT NOT NULL                  -- the checksum of the article's record covers them
) STRICT;
-- What an upgrade has staged has no checksums: it begins again.
DROP TABLE IF EXISTS next_vectors;
DROP TABLE IF EXISTS next_passages;
DROP TABLE IF EXISTS next_articles;
DELETE FROM meta WHERE key = 'upgrade';
