-- The truth of a library. Everything else in the folder is derived from this and can be rebuilt.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT;

CREATE TABLE articles (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,          -- of all that an addition brings: text, metadata, bytes
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
    copy_of INTEGER REFERENCES articles(rowid) ON DELETE SET NULL,
    added TEXT NOT NULL,
    generation INTEGER NOT NULL,
    characters INTEGER NOT NULL,           -- of the text
    signature BLOB NOT NULL,               -- MinHash, to recognise syndicated copies
    -- The long columns come last: what stands after them is found by reading through them.
    blocks TEXT NOT NULL,
    removals TEXT NOT NULL,
    text TEXT NOT NULL,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX articles_copy_of ON articles(copy_of);
-- A row is long, so whatever looks at all articles must find its columns in an index.
CREATE INDEX articles_published ON articles(published);
CREATE INDEX articles_publisher ON articles(publisher);
CREATE INDEX articles_authors ON articles(authors);
CREATE INDEX articles_language ON articles(language);

CREATE TABLE bands (                       -- locality-sensitive hashing of the signatures
    band INTEGER NOT NULL,
    article INTEGER NOT NULL REFERENCES articles(rowid) ON DELETE CASCADE
) STRICT;
CREATE INDEX bands_band ON bands(band);
CREATE INDEX bands_article ON bands(article);

CREATE TABLE passages (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice, so an index cannot mistake one
    id TEXT NOT NULL UNIQUE,
    article INTEGER NOT NULL REFERENCES articles(rowid) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    text TEXT NOT NULL,
    kind TEXT NOT NULL,
    headings TEXT NOT NULL,
    sentences TEXT NOT NULL,
    text_hash INTEGER NOT NULL,            -- finds the same passage in a syndicated copy
    searchable INTEGER NOT NULL,           -- 0: a copy's passage that its original has too
    generation INTEGER NOT NULL            -- when it last became searchable
) STRICT;
CREATE INDEX passages_article ON passages(article);
CREATE INDEX passages_generation ON passages(generation);
CREATE INDEX passages_text_hash ON passages(text_hash);

CREATE TABLE vectors (
    passage INTEGER PRIMARY KEY REFERENCES passages(rowid) ON DELETE CASCADE,
    pooled BLOB NOT NULL,                  -- float32, unit length
    tokens BLOB NOT NULL,                  -- quantised token vectors, one row a word piece
    pieces BLOB NOT NULL,                  -- uint32, the word pieces' numbers in the vocabulary
    starts BLOB NOT NULL                   -- uint32, where in the passage each piece begins
) STRICT;

CREATE TABLE removed (                     -- what derived indexes have yet to forget
    passage INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL
) STRICT;
CREATE INDEX removed_generation ON removed(generation);

CREATE TABLE piece_counts (                -- in how many passages each word piece occurs
    piece INTEGER PRIMARY KEY,
    passages INTEGER NOT NULL
) STRICT;

CREATE TABLE failures (
    source TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    cure TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    failed TEXT NOT NULL
) STRICT;
