CREATE TABLE history (                     -- tells whether an index was made from this database
    generation INTEGER PRIMARY KEY,
    state INTEGER NOT NULL                 -- a random number, which no other commit has
) STRICT;
INSERT INTO history
    SELECT value, abs(random() % 1152921504606846976) FROM meta WHERE key = 'generation';
