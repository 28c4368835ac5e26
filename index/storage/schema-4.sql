-- Up to this generation the table `removed` is empty: an older derived index must be rebuilt.
INSERT INTO meta VALUES ('pruned', 0);
DELETE FROM piece_counts WHERE passages <= 0;
