-- The last good version of every file of the configuration, sealed: files may hold secrets.
CREATE TABLE file_version (
    -- An endpoint's name, or `mailjob.toml`.
    file TEXT NOT NULL,
    -- Several of `mailjob.toml` are kept while endpoints were right beside them.
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    -- The number of the `mailjob.toml` beside which it was right.
    beside INTEGER,
    taken INTEGER NOT NULL,
    PRIMARY KEY (file, number)
) STRICT, WITHOUT ROWID;
