-- Removals up to this generation are deleted from `removed`: an older index must be rebuilt.
INSERT INTO meta VALUES ('pruned', 0);
DELETE FROM piece_counts WHERE passages <= 0;
